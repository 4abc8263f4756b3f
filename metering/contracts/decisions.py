"""Decisions and answers: what goes back to those who asked. Leaves the books to `entries`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metering.contracts.allotments import Allotment
from metering.contracts.entries import Balance
from metering.contracts.reasons import Reason


class Decision(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The answer to a usage event that asks whether it may go out, and at what price.

    Sent at least once; a repeat carries the same `id`.
    """

    id: str
    """Made of the event's `source` and `id` alone."""
    source: str
    event_id: str
    customer: str
    charge_id: str | None = None
    outcome: Literal["allowed", "denied"]
    reason: Reason | None = None
    unit: str | None = None
    price_micros: int | None = None
    """Of what is granted."""
    granted: int | None = None
    """Where credit covers only a part and the plan grants it: so many recipients, the first in the event's order, or
    so many seconds of a call."""
    asked: int | None = None
    """What `granted` is a part of."""
    final: bool = False
    """The part is the last that is granted: what is left of the message is denied, the call ends with it."""
    shortfall_micros: int | None = None
    """Of a draft: so much is missing for its price. Nothing is held for it."""
    available_micros: int | None = None
    """After the decision; may be stale by the time that it is read."""
    expires_at_ms: int | None = None
    """The hold's deadline in log time."""
    duplicate: bool = False
    entry: str
    """The ledger entry's id."""
    applied_at_ms: int


class AnswerLeg(Struct, frozen=True, gc=False):
    """A further wallet that the same command changed."""

    wallet: str
    amount_micros: int
    after: Balance


class Answer(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The answer to a command, or to a usage event that names a `reply_to`. Keyed by `reply_to`, else by customer."""

    id: str
    """The command's id; for a usage event, its decision's id."""
    type: str
    customer: str
    reply_to: str | None = None
    outcome: Literal["done", "refused", "allowed", "denied"]
    reason: Reason | None = None
    wallet: str | None = None
    unit: str | None = None
    amount_micros: int = 0
    after: Balance | None = None
    legs: tuple[AnswerLeg, ...] = ()
    allotment: Allotment | None = None
    """Of commands about a user's allotment: the values after it, and what can be assigned."""
    entry: str
    """The id of the entry that took effect: a repeat names the first one's."""
    duplicate: bool = False
