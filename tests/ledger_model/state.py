"""What a bucket knows, in the plainest form: dataclasses, dicts, lists, ints. Leaves the rules to other modules."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.ledger_model.calls import Call
from tests.ledger_model.counter_state import Count, Counter
from tests.ledger_model.plan_state import Cycle, Fee, Sweep


@dataclass
class Lot:
    """A parcel of credit; `remaining` includes `held`. It never lapses where `expires_at` is None."""

    id: str
    kind: str
    remaining: int
    held: int
    expires_at: int | None
    made_seq: int
    transferable: bool = True
    notice_at: int = 0
    """When to tell that it is about to lapse; 0 = never, or told."""

    @property
    def free(self) -> int:
        """free = remaining - held."""
        return self.remaining - self.held


@dataclass
class Rule:
    """A low-credit rule: `armed`, `low` or `quiet`."""

    name: str
    level: int
    rearm: int
    enabled: bool
    state: str
    percent: int = 0
    """The level is that much of the last top-up."""
    locks: bool = False
    """The wallet is blocked while less than the level is available."""
    fixed: bool = False
    user: str = ""
    of_plan: bool = False


CAUSES = (
    "suspended",
    "insufficient_credit",
    "manual",
    "below_level",
    "wallet_frozen",
    "limit_reached",
    "spam",
    "no_plan",
)
"""Whatever may block a customer, a wallet or a sender, in the order in which they are told."""


LEVELS = ("customer", "wallet", "user", "sender", "campaign")
WINDOWS = ("none", "day", "month", "cycle", "allotment")


def in_order(causes: set[str]) -> list[str]:
    """Causes as they are told."""
    return [cause for cause in CAUSES if cause in causes]


@dataclass
class Block:
    """A block of a wallet or a sender: it stands as long as any cause does."""

    since: int
    since_seq: int
    """The `seq` of the entry that blocked, or put the sender into its wallet's line: the order of lifting."""
    causes: set[str] = field(default_factory=set)
    wallet: str = ""
    """Whose want of credit it is: over as soon as `needed` is available there."""
    needed: int = 0
    until: int = 0

    @property
    def in_order(self) -> list[str]:
        """The causes as they are told."""
        return in_order(self.causes)


COMPANY_POOL: dict[str, str | None] = {
    "state": "active",
    "kind": "company_pool",
    "user": None,
    "name": None,
    "reference": None,
    "keyword": None,
}
"""What is said of a wallet."""


@dataclass
class Wallet:
    """Holds credit."""

    customer: str
    name: str
    unit: str
    seq: int = 0
    overdrawn: int = 0
    held_over: int = 0
    lots: list[Lot] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    block: Block | None = None
    last_top_up: int = 0
    profile: dict[str, str | None] = field(default_factory=lambda: dict(COMPANY_POOL))

    @property
    def held(self) -> int:
        """held = sum of lot.held + held_over."""
        return sum(lot.held for lot in self.lots) + self.held_over

    @property
    def balance(self) -> int:
        """balance = sum of remaining - overdrawn."""
        return sum(lot.remaining for lot in self.lots) - self.overdrawn

    @property
    def available(self) -> int:
        """available = sum of remaining - overdrawn - held."""
        return self.balance - self.held

    @property
    def figures(self) -> dict[str, int]:
        """The three figures that an entry shows before and after."""
        return {"available": self.available, "held": self.held, "overdrawn": self.overdrawn}


@dataclass
class Part:
    """What a charge holds of one lot; the lot name of `held_over` is empty."""

    lot: str
    amount: int


@dataclass
class Limit:
    """A cap on what is spent in a window; room = cap - used - held."""

    level: str
    window: str
    name: str
    cap: int
    used: int
    held: int
    carry: bool
    starts: int
    ends: int
    since_seq: int
    reached: bool = False
    blocked: list[str] = field(default_factory=list)
    """Senders that it blocks, in order of blocking."""

    @property
    def id(self) -> str:
        """level:window:name."""
        return f"{self.level}:{self.window}:{self.name}"

    @property
    def room(self) -> int:
        """What may still be taken; below zero no further than the largest amount."""
        return max(self.cap - self.used - self.held, 1 - 2**53)


@dataclass
class Take:
    """What a charge took of a limit, in the window that began to count with the entry `since`."""

    limit: str
    since: int
    held: int


@dataclass
class Charge:
    """What ties the events of one message together."""

    id: str
    state: str
    wallet: str
    price: int
    charge_on: str
    touched_at: int
    committed: int = 0
    fee: int = 0
    deadline: int = 0
    parts: list[Part] = field(default_factory=list)
    sender: str | None = None
    recipients: dict[str, int] | None = None
    call: Call | None = None
    takes: list[Take] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)

    @property
    def held(self) -> int:
        """What is held for this charge."""
        return sum(part.amount for part in self.parts)


@dataclass
class User:
    """A customer's user. What a plain one may spend is the limit `user:allotment:` + name."""

    name: str
    role: str
    per_month: int = 0
    assigned: int = 0
    next_at: int = 0
    next_month: int = 0
    rules: list[Rule] = field(default_factory=list)  # these judge the user's own total


@dataclass
class Customer:
    """A customer's settings, wallets, charges and blocked senders."""

    name: str
    version: int
    plan: str
    unit: str
    time_zone: str
    country: str | None
    billing_start: int
    cycle_months: int
    wallet_mode: str | None = None
    reversals: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Wallet and amount of each top-up that was taken back."""
    causes: set[str] = field(default_factory=set)
    """What blocks the customer as a whole."""
    wallets: dict[str, Wallet] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    senders: dict[str, Block] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    limit_sorts: set[tuple[str, str]] = field(default_factory=set)
    """Levels and windows that it has, or has had, limits for."""
    rop: bool = False
    equipment: list[str] = field(default_factory=list)
    cycle: Cycle | None = None
    fees: dict[str, Fee] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    """Its phone numbers with their types, in the order in which they came."""
    sweeps: dict[str, Sweep] = field(default_factory=dict)  # what has not come to the last wallet, by job
    forfeited: dict[str, list[Lot]] = field(default_factory=dict)
    """What was taken of each wallet."""
    users: dict[str, User] = field(default_factory=dict)
    allotted: list[str] = field(default_factory=list)
    """Plain users, in the order in which they came."""
    has_terms: bool = False  # whether there was ever one

    @property
    def settings(self) -> dict[str, object]:
        """The settings as an entry shows them."""
        return {
            "version": self.version,
            "plan": self.plan,
            "unit": self.unit,
            "time_zone": self.time_zone,
            "country": self.country,
            "causes": in_order(self.causes),
            "billing_start": self.billing_start,
            "cycle_months": self.cycle_months,
            "wallet_mode": self.wallet_mode,
            "limits": sum(2 ** (5 * LEVELS.index(level) + WINDOWS.index(window)) for level, window in self.limit_sorts),
            "limits_count": len(self.limits),
            "rop": self.rop,
            "equipment": self.equipment,
        }
