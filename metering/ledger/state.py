"""The state of a bucket in typed form, as restored from the books and as read for people.

Leaves packing to `records`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from metering.contracts.allotments import Allotment
from metering.contracts.decisions import AnswerLeg
from metering.contracts.entries import Balance, Charge, CustomerSettings, Granted, RuleState
from metering.contracts.reasons import Reason
from metering.contracts.states import State
from metering.contracts.wallets import WalletProfile

COMPANY_POOL = WalletProfile()
"""The profile of a wallet that was never given one: `main`."""


class LotState(Struct, frozen=True, gc=False):
    """A parcel of credit. `remaining_micros` includes `held_micros`; `expires_at_ms` 0 = never."""

    lot: str
    kind: str
    remaining_micros: int
    held_micros: int
    expires_at_ms: int
    made_seq: int
    """The `seq` of the entry that made it: its age."""
    transferable: bool = True
    notice_at_ms: int = 0
    """When to tell that it is about to lapse; 0 = never, or told."""


class WalletState(Struct, frozen=True):
    """A wallet with everything that decides about it."""

    customer: str
    wallet: str
    unit: str
    wallet_seq: int
    overdrawn_micros: int
    held_over_micros: int
    """Held beyond the lots."""
    lots: tuple[LotState, ...]
    rules: tuple[RuleState, ...]
    last_top_up_micros: int = 0
    """The amount of the last top-up: what rules in percent go by. 0 before the first."""
    profile: WalletProfile = COMPANY_POOL


class CustomerState(Struct, frozen=True):
    """A customer's settings."""

    customer: str
    settings: CustomerSettings


class RecordState(Struct, frozen=True):
    """A customer's record of any kind beside wallets and charges."""

    customer: str
    state: State


class ChargeState(Struct, frozen=True):
    """A charge that is held, or settled and still remembered; `recipients` are those that are not settled yet."""

    customer: str
    charge: Charge
    touched_at_ms: int


class BlockState(Struct, frozen=True):
    """A block of a wallet or a sender; what blocks a customer as a whole is in its settings. Times in Unix ms."""

    customer: str
    level: Literal["wallet", "sender"]
    id: str
    causes: tuple[Reason, ...]
    """Never empty."""
    wallet: str
    """Whose want of credit it is; empty where that is not among the causes."""
    needed_micros: int
    until_ms: int
    """When time alone lifts it; 0 where it does not."""
    since_ms: int
    since_seq: int
    """The `seq` of the entry that blocked: the order in which blocks are lifted."""


class RememberedEvent(Struct, frozen=True):
    """A usage event within the window in which its repeats are recognised."""

    digest: str
    """16 ASCII characters, `event_digest(source, id)`."""
    applied_at_ms: int
    seq: int
    decision: Literal["allowed", "denied"] | None
    reason: Reason | None
    granted: Granted | None = None


class RememberedCommand(Struct, frozen=True):
    """A command within its window, with all that its answer is made of."""

    customer: str
    id: str
    applied_at_ms: int
    seq: int
    reason: Reason | None
    """Of a refusal."""
    wallet: str | None
    amount_micros: int
    after: Balance | None
    legs: tuple[AnswerLeg, ...] = ()
    allotment: Allotment | None = None


StateRecord = WalletState | CustomerState | RecordState | ChargeState | BlockState | RememberedEvent | RememberedCommand
"""Whatever a restore streams into a bucket."""


class CustomerRows(Struct, frozen=True):
    """Customers as rows: name, then by `layout.Customer`, with the causes of a block as a list of reasons."""

    rows: Sequence[Any]


class WalletRows(Struct, frozen=True):
    """Wallets as rows, with what belongs to each, all three in the same order."""

    rows: Sequence[Any]
    """Customer, wallet, unit, wallet_seq, available, held, overdrawn, last top-up; then as in `WalletProfile`."""
    lots: Sequence[list[Sequence[Any]]]
    """Each by `layout.Lot`."""
    rules: Sequence[Sequence[Sequence[Any]]]
    """Each as in `RuleState`, in the order of their making."""


class EventRows(Struct, frozen=True):
    """Remembered usage events as rows, in order.

    Source, id, applied_at_ms, seq, decision, reason, what was granted in part as JSON.
    """

    rows: Sequence[Any]


StateBatch = Sequence[StateRecord] | CustomerRows | WalletRows | EventRows
"""What a restore takes at a time: of what there are millions of as rows, of the rest typed."""


class BucketPosition(Struct, frozen=True):
    """Where a bucket stands: its head (seq, chunk), the position after it, its clock, the timers already run at it."""

    seq: int
    chunk: str
    usage: int
    commands: int
    clock_ms: int
    timers_run: int
    """Timer effects after the last input's entry: they count against the bound of the next input."""
