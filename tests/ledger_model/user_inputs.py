"""Commands about users. Leaves all others to `inputs`."""

from __future__ import annotations

from dataclasses import dataclass

from tests.ledger_model.inputs import Command


@dataclass(frozen=True, kw_only=True)
class PutUser(Command):
    """Add a user, or change one; None leaves it."""

    user: str
    role: str | None = None
    per_month: int | None = None
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class SetAllotment(Command):
    """Change what a user may spend; None leaves it, `add` changes the total by so much."""

    user: str
    per_month: int | None = None
    total: int | None = None
    add: int | None = None


@dataclass(frozen=True, kw_only=True)
class CloseUser(Command):
    """Take a user away."""

    user: str
