"""Commands about spam. Leaves all others to `inputs`."""

from __future__ import annotations

from dataclasses import dataclass

from tests.ledger_model.inputs import Command


@dataclass(frozen=True, kw_only=True)
class MarkSpam(Command):
    """Take all free credit away."""


@dataclass(frozen=True, kw_only=True)
class UnmarkSpam(Command):
    """Give it back."""
