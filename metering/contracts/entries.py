"""Ledger entries: one per applied input or timer effect. Leaves how they come about to the ledger's Lua."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from metering.contracts.allotments import Allotment
from metering.contracts.calls import CallTerms
from metering.contracts.reasons import AlertType, BlockLevel, Kind, Reason
from metering.contracts.states import State
from metering.contracts.wallets import WalletMode, WalletProfile


class Position(Struct, frozen=True, gc=False):
    """The next offset of both input topics."""

    usage: int
    commands: int


class Balance(Struct, frozen=True, gc=False):
    """The three figures of a wallet, micro-units: available = lots - overdrawn - held."""

    available_micros: int
    held_micros: int
    overdrawn_micros: int


class LotChange(Struct, frozen=True, omit_defaults=True, gc=False):
    """What an entry did to one lot, and the lot after it. `remaining_micros` includes what is held of it."""

    lot: str
    """The id of the entry that made the lot."""
    amount_micros: int
    """Change of `remaining_micros`."""
    held_change_micros: int
    remaining_micros: int
    held_micros: int
    kind: str | None = None
    """The rest only on the entry that makes the lot, and without `kind` where the entry changed it."""
    expires_at_ms: int | None = None
    """Left out = never; without `kind`: 0 = never from now on, left out = as it was."""
    transferable: bool = True
    notice_at_ms: int = 0


class Leg(Struct, frozen=True, omit_defaults=True, gc=False):
    """What an entry did to a further wallet than its own, as the entry's fields of the same names tell of that."""

    wallet: str
    wallet_seq: int
    unit: str
    amount_micros: int
    held_change_micros: int
    before: Balance
    after: Balance
    lots: tuple[LotChange, ...] = ()


class Charge(Struct, frozen=True, omit_defaults=True, gc=False):
    """A charge after the entry: what ties the events of one message together."""

    id: str
    state: Literal["held", "committed", "released", "expired", "denied"]
    wallet: str
    price_micros: int
    """The price that was agreed when it was submitted."""
    held_micros: int
    committed_micros: int
    charge_on: Literal["submit", "sent", "delivered"]
    failed_fee_micros: int = 0
    deadline_at_ms: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    """What is held of which lot; the empty lot name is credit beyond the lots (overdraft)."""
    sender: str | None = None
    recipients: dict[str, int] | None = None
    """Only on the entry that reserves for several, or denies them: the price of each."""
    settled: tuple[str, ...] = ()
    """Recipients that this entry settled."""
    call: CallTerms | None = None
    """Of a call: what more seconds, and the seconds used, will cost."""
    takes: tuple[tuple[str, int, int], ...] = ()
    """Of limits: id, `since_seq`, what it holds there. Of counters: `counter:window:name[:recipient]`, start, units."""


class AlertRaised(Struct, frozen=True, omit_defaults=True, gc=False):
    """What an entry tells of credit or of a hold."""

    type: AlertType
    rule: str = ""
    """The rule that tells; empty where none is needed."""
    level_micros: int = 0
    user: str = ""
    """Whose rule it is; empty for one of the wallet."""
    wallet: str | None = None
    """Only where it is that of a leg."""
    total_micros: int | None = None
    """What the user may spend, where that is what the rule judges."""


class RuleState(Struct, frozen=True, omit_defaults=True, gc=False):
    """A low-credit rule after the entry. `armed` waits for the level, `low` told, `quiet` was low from the start."""

    rule: str
    state: Literal["armed", "low", "quiet"]
    level_micros: int
    rearm_micros: int
    enabled: bool = True
    percent: int = 0
    """The level is that much of the last top-up; 0 where it is absolute."""
    locks: bool = False
    """The wallet is blocked while less than the level is available."""
    fixed: bool = False  # the plan's, and no command may change it
    user: str = ""
    """Whose rule it is; empty for one of the wallet."""
    of_plan: bool = False  # as the plan gave it: another plan replaces it
    wallet: str | None = None
    """Only where it is that of a leg."""


class Granted(Struct, frozen=True, gc=False):
    """What was granted of a submission in part, the first `count`; of a draft what `credit` there is of its price."""

    of: Literal["recipients", "seconds", "credit"]
    count: int
    asked: int


class BlockChange(Struct, frozen=True, omit_defaults=True, gc=False):
    """A cause of a block that came or went with this entry, and the block after it."""

    level: BlockLevel
    id: str
    blocked: bool
    """The state after this entry."""
    changed: bool
    """Whether it went into or out of the blocked state: one event each."""
    reason: Reason
    """The cause that came or went."""
    causes: tuple[Reason, ...] = ()
    """All that stand after this entry; the block is gone when none is left."""
    wallet: str = ""
    """Whose want of credit is among the causes."""
    needed_micros: int = 0
    """Want of credit is over as soon as this much is available; 0 where it is not among the causes."""
    until_ms: int = 0
    """When time alone lifts it; 0 where it does not."""
    since_ms: int = 0
    """When it was blocked; 0 when it is not any more."""
    since_seq: int = 0
    """The `seq` of the entry that blocked it, or put it into its wallet's line: the order of lifting."""
    leg: str | None = None
    """The wallet in which it was judged, only where it is that of a leg."""


class EventReference(Struct, frozen=True, gc=False):
    """The usage event behind an entry."""

    source: str
    id: str
    type: str
    time_ms: int


class CommandReference(Struct, frozen=True, gc=False):
    """The command behind an entry."""

    id: str
    type: str


class InputReference(Struct, frozen=True, gc=False):
    """Where the input stands; for a timer effect: the input whose clock ran it."""

    topic: Literal["usage", "commands"]
    partition: int
    offset: int


class CustomerSettings(Struct, frozen=True, omit_defaults=True, gc=False):
    """A customer's settings after the entry."""

    version: int
    plan: str
    unit: str
    time_zone: str = "UTC"
    country: str | None = None
    causes: tuple[Reason, ...] = ()
    """What blocks the customer as a whole, such as `suspended`."""
    billing_start_ms: int = 0
    """When it was opened: cycles begin at the anniversaries."""
    cycle_months: int = 0
    """Of the plan's cycle: 1, 12, or 0 for none."""
    wallet_mode: WalletMode | None = None
    """Where a command has set one; otherwise the plan's."""
    limits: int = 0
    """Which limits there may be, one bit for each level and window: events bring what such limits are found by."""
    limits_count: int = 0
    rop: bool = False
    equipment: tuple[str, ...] = ()
    """Recurring fees taken, and what waives one; `rop` is rollover protection."""

    @property
    def suspended(self) -> bool:
        """Whether a command has suspended the customer."""
        return Reason.SUSPENDED in self.causes


class LedgerEntry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of the ledger. All amounts in micro-units of `unit`, all times in Unix milliseconds.

    For every wallet: the sum of `amount_micros` = lots - overdrawn, and the sum of `held_change_micros` = held, over
    the entries whose `wallet` it is and the legs of others.
    """

    id: str
    """`bucket-seq`."""
    bucket: int
    seq: int
    """Gap-free within the bucket, from 1."""
    chunk: str
    prev_chunk: str
    position: Position
    """After this entry."""
    kind: Kind
    customer: str
    wallet: str | None = None
    wallet_seq: int | None = None
    """Gap-free within the wallet, from 1; only on entries that change its balance."""
    unit: str | None = None
    amount_micros: int = 0
    held_change_micros: int = 0
    price_micros: int | None = None
    """What the input was priced at, granted or not."""
    before: Balance | None = None
    after: Balance | None = None
    lots: tuple[LotChange, ...] = ()
    legs: tuple[Leg, ...] = ()  # of further wallets: credit never is in two, or in none, between two entries
    charge: Charge | None = None
    charge_id: str | None = None
    reason: Reason | None = None
    decision: Literal["allowed", "denied"] | None = None
    """Of inputs that ask for one; a repeat carries the first one's."""
    granted: Granted | None = None  # where less was granted than asked
    duplicate_of: int | None = None
    """The `seq` of the first entry of a repeated input."""
    alerts: tuple[AlertRaised, ...] = ()
    rules: tuple[RuleState, ...] = ()
    blocks: tuple[BlockChange, ...] = ()
    settings: CustomerSettings | None = None
    states: tuple[State, ...] = ()
    """Other records of the customer that this entry changed, after it."""
    allotment: Allotment | None = None
    """What it changed, or refused to change, of what a user may spend of the pool."""
    profile: WalletProfile | None = None
    """Of `wallet`, after the entry; only where it was opened or its profile changed."""
    applied_at_ms: int
    """The bucket's clock when it took effect."""
    due_at_ms: int | None = None
    """Timer effects: when it fell due."""
    input: InputReference
    event: EventReference | None = None
    command: CommandReference | None = None
    channel: str | None = None
    country: str | None = None
    quantity: int | None = None
    rates: Any = None
    """The lines of the price, each with the rate row that matched."""
    line_amounts_micros: tuple[int, ...] = ()
    """Of the lines of `rates` in which counters took part."""
    rates_version: str | None = None
    sender: str | None = None
    user: str | None = None
    campaign: str | None = None
    on_behalf_of: str | None = None
    actor: str | None = None
    note: str | None = None  # the command's `reason`, in its sender's words
    terms_version: str | None = None  # of a transfer: the terms that were accepted
    reply_to: str | None = None
