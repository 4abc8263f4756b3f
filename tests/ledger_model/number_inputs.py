"""Commands about phone numbers. Leaves what they do to `numbers`."""

from __future__ import annotations

from dataclasses import dataclass

from tests.ledger_model.inputs import Command


@dataclass(frozen=True, kw_only=True)
class AddNumber(Command):
    """Give the customer a number; its type chooses the plan's rate."""

    number: str
    type: str = ""


@dataclass(frozen=True, kw_only=True)
class RemoveNumber(Command):
    """Take it away."""

    number: str
