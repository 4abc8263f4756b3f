"""What the model knows of plans and cycles, in the plainest form. Leaves the rules to other modules."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Fee:
    """A fee by months."""

    amount: int
    unit: str
    months: int
    due_at: int = 0
    due_month: int = 0
    of: str = "equipment"


@dataclass
class Cycle:
    """What a customer's plan grants, and when."""

    months: int
    grant: int = 0
    kind: str = "nro"
    notice: int = 0
    starts_at: int = 0
    ends_at: int = 0
    next_at: int = 0
    next_month: int = 0
    next_amount: int = 0
    cancelled: bool = False
    fees: list[str] = field(default_factory=list)
    runs: list[tuple[int, int]] = field(default_factory=list)
    """From which month after the billing start cycles were how many months long."""


@dataclass
class Sweep:
    """What is done to all wallets, and how far it has come."""

    on: bool
    expires: int = 0
    notice: int = 0
    plan: Plan | None = None
    """Whose rules."""
    after: str = ""
    due: int = 0


@dataclass
class Plan:
    """What the ledger needs to know of a plan."""

    unit: str
    overdraft_limit: int = 0
    alert: tuple[int, int] | None = None
    """Level and re-arm level of the rule `default`."""
    cycle_months: int = 0
    alert_enabled: bool = True
    locks: bool = False
    """The wallet is blocked below the level of that rule."""
    fixed: bool = False
    """That rule may not be changed."""
    all_features: bool = False
    """A blocked wallet is denied what comes in and costs credit, too."""
    inbound_when_empty: str = "accept_without_forwarding"
    send_until_flag: bool = False
    """The overdraft is for scheduled messages alone."""
    refuses_drafts: bool = False
    call_part: bool = False
    """A call is granted the seconds that are covered, as its last."""
    covered_part: bool = False
    """A submission to several is granted for the recipients that are covered."""
    grant: int = 0
    grant_kind: str = "nro"
    notice: int = 0
    """How long before a lot lapses it is told."""
    on_change: str = "keep_to_cycle_end"
    fees: dict[str, Fee] = field(default_factory=dict)
    numbers: dict[str, Fee] = field(default_factory=dict)
    """What a phone number costs, by its type."""
    spendable_without: bool = False
    rop_covers_all: bool = True
    rop_resumes: bool = False
    cap_basis: str = "plan_credits"
    rollover: str = "always"
    raise_effect: str = "immediate"
    reserve: int = 0
    reserve_percent: int = 0
    keeps_negative: bool = False
    """A user who has spent more than was assigned cannot be closed."""
    user_rules: tuple[tuple[int, int], ...] = ()
    """Level and re-arm level of the rules that a new user is given."""
