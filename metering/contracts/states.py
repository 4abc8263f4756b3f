"""A customer's records beside wallets and charges, as an entry leaves them. Leaves what they mean to the ledger.

One kind a type. Redis keeps each as the list of its fields between `id` and `gone`, the books as the JSON of the entry:
a new kind is a new type here and a number in `ledger.codes`, nothing else.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

LimitLevel: TypeAlias = Literal["customer", "wallet", "user", "sender", "campaign"]
Window: TypeAlias = Literal["none", "day", "month", "cycle"]
LimitWindow: TypeAlias = Literal["none", "day", "month", "cycle", "allotment"]
"""`allotment`: what a user may spend of the pool, kept by `put_user` and `set_allotment` instead of `put_limit`."""
UserRole: TypeAlias = Literal["owner", "admin", "admin_plus", "user"]
"""Of a customer's user. All but `user` are shared roles: they have no allotment and draw on the whole pool."""


class LimitState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="limit"):
    """A cap on what is spent in a window, in micro-units. Room = cap - used - held.

    `id` is `level:window:name`.
    """

    id: str
    level: LimitLevel
    window: LimitWindow
    name: str
    cap_micros: int
    used_micros: int = 0
    held_micros: int = 0
    carry: bool = False
    """Whether what is left of a window adds to the next one's room."""
    starts_at_ms: int = 0
    ends_at_ms: int = 0
    """Of the window that it counts; 0 = never. The next one begins with the first entry that counts in it."""
    since_seq: int = 0
    """The `seq` of the entry since which it counts: what was held before goes nowhere any more."""
    reached: bool = False
    """Whether `limit.reached` has been told of this window."""
    blocked: tuple[str, ...] = ()
    """Senders that it blocks, in order of blocking; of an allotment, its user."""
    gone: bool = False


class ReversalState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="reversal"):
    """A top-up that was taken back, so that it never is twice. `id` is that of the top-up's entry."""

    id: str
    wallet: str
    amount_micros: int
    gone: bool = False


class CycleState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="cycle"):
    """What a customer's plan grants, and when: taken from the plan when it was set, as long as it is.

    `id` is `plan`: there is one a customer.
    """

    id: str
    months: int
    """Of a cycle; 0 = the plan has none."""
    grant_micros: int
    """Of each cycle."""
    grant_kind: str
    notice_ms: int
    """How long before a lot lapses it is told."""
    starts_at_ms: int = 0
    ends_at_ms: int = 0
    """Of the running cycle; 0 = none runs."""
    next_at_ms: int = 0
    """When the next grant is due; 0 = never."""
    next_month: int = 0
    """The cycle that it begins starts so many months after the billing start."""
    next_micros: int = 0
    """What it will be: `grant_micros`, or a share of it after a change of plan."""
    cancelled: bool = False
    fees: tuple[str, ...] = ()
    """Ids of the records of fees for equipment."""
    runs: tuple[tuple[int, int], ...] = ()
    """How cycles followed each other, oldest first: (month after the billing start, months of a cycle from then on)."""
    gone: bool = False


class FeeState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="fee"):
    """A fee by months, of equipment or of a phone number. Debited only where its unit is the wallet's."""

    id: str
    amount_micros: int
    unit: str
    months: int
    due_at_ms: int
    due_month: int
    """The same as months after the billing start."""
    of: Literal["equipment", "number"] = "equipment"
    gone: bool = False


class NumbersState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="numbers"):
    """The phone numbers of a customer, and what they cost. The fee of each is a record of its own. `id` is `all`."""

    id: str
    numbers: tuple[tuple[str, str], ...]
    """Number and type, in the order in which they came; the type is empty where none was given."""
    fees_micros: int = 0
    """What they cost in one cycle of the plan, in the customer's unit: not there to be assigned to users."""
    gone: bool = False


class ForfeitState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="forfeit"):
    """What `mark_spam` took from the wallet `id`, by lot: kind, micro-units, expiry, transferable, time of notice."""

    id: str
    lots: tuple[tuple[str, int, int, int, int], ...]
    gone: bool = False


class SweepState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="sweep"):
    """Something that is done to every wallet of a customer, and has not come to the last yet.

    `id` says what: `spam` (forfeit, give back), `rop` (expiries), `rules` (those of the plan).
    """

    id: str
    after: str
    """The wallet that it has come to; it goes on with the names after it, byte by byte."""
    due_at_ms: int
    is_on: bool = False
    expires_at_ms: int = 0
    notice_ms: int = 0
    rules: tuple[tuple[str, int, int, int, int, int, int, int, str], ...] = ()
    """As the ledger keeps them."""
    gone: bool = False


class CounterState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="counter"):
    """The units (parts, messages, billed seconds, …) of a plan's counter that are gone in its window.

    `id` is `window:name`.
    """

    id: str
    window: Literal["month", "cycle"]
    name: str
    used: int
    starts_at_ms: int = 0
    ends_at_ms: int = 0
    """0 = never. The next window begins with the first entry that counts in it."""
    gone: bool = False


class UserState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="user"):
    """A customer's user. What a plain one may spend of the company pool is its limit `user:allotment:` + `id`.

    Of that limit, `cap_micros` is what the user was assigned since the month began, what was left before included;
    the user's *total* is its room.
    """

    id: str
    role: UserRole
    per_month_micros: int = 0
    """What is added to the total at each beginning of a month, counted from the billing start."""
    assigned_micros: int = 0
    """All that was ever assigned, less what was taken back or has lapsed: the subtotal of the user's lines."""
    next_at_ms: int = 0
    """When the next month begins; 0 = never: a shared role."""
    next_month: int = 0
    """The same as months after the billing start."""
    rules: tuple[tuple[str, Literal["armed", "low", "quiet"], int, int, int, int], ...] = ()
    """The low-credit rules that judge the user's own total: name, state, level, rearm, enabled and fixed as 1 or 0."""
    gone: bool = False


class AllotmentsState(Struct, frozen=True, omit_defaults=True, gc=False, tag_field="kind", tag="allotments"):
    """How a customer's plan has users' allotments, as of the last command about users or the plan. `id` is `plan`."""

    id: str
    total_cap_basis: Literal["plan_credits", "company_total"]
    user_allotment_rollover: Literal["always", "only_with_rop", "never"]
    allotment_raise_effect: Literal["immediate", "next_period"]
    reserve_micros: int
    reserve_percent: int
    """Kept back for admins: an amount, and so much of the plan's credit."""
    users: tuple[str, ...] = ()
    """Those who have an allotment, in the order in which they came."""
    gone: bool = False


State: TypeAlias = (
    LimitState
    | ReversalState
    | CycleState
    | FeeState
    | NumbersState
    | ForfeitState
    | CounterState
    | SweepState
    | UserState
    | AllotmentsState
)
"""Any of them."""


def kind_of(state: State) -> str:
    """Return the word for its kind, as `kind` in its JSON."""
    return str(state.__struct_config__.tag)
