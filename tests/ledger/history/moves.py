"""Random histories as moves: drawn by hypothesis, made concrete by the model's state. Leaves running them to the tests.

A move names few customers, charges and senders, so that moves collide; its amount is given relative to what is
available, so that prices fall on both sides of it and on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tests.ledger.history.command_moves import COMMANDS
from tests.ledger.history.counted_moves import with_counters
from tests.ledger.history.event_moves import EVENTS
from tests.ledger.history.world import (
    AMOUNTS,
    CHARGES,
    CUSTOMERS,
    EVE,
    HUGE,
    MOST,
    PAUSES,
    PLANS,
    SECOND,
    SENDERS,
    START,
    WALLETS,
    Choices,
)
from tests.ledger_model import inputs as model
from tests.ledger_model.bucket import Bucket
from tests.ledger_model.user_inputs import PutUser

KINDS = {
    "nothing": 1,
    "submission": 12,
    "outcome": 15,
    "several": 6,
    "call": 7,
    "extension": 9,
    "call_end": 4,
    "received": 2,
    "recorded": 3,
    "adjustment": 3,
    "unpriced": 1,
    "top_up": 8,
    "adjust": 3,
    "set_alert": 4,
    "set_plan": 4,
    "cancel_plan": 1,
    "set_options": 4,
    "add_number": 4,
    "remove_number": 1,
    "mark_spam": 1,
    "unmark_spam": 4,
    "suspend": 1,
    "resume": 3,
    "block_sender": 1,
    "unblock_sender": 3,
    "put_limit": 5,
    "put_user": 5,
    "set_allotment": 5,
    "close_user": 1,
    "open_customer": 1,
    "put_wallet": 3,
    "transfer": 12,
    "set_wallet_mode": 2,
    "reverse_top_up": 3,
    "freeze_wallet": 1,
    "thaw_wallet": 4,
    "close_wallet": 1,
    "merge_wallets": 1,
    "submission-counted": 5,
    "several-counted": 5,
    "received-counted": 1,
    "outcome-counted": 5,
    "extension-counted": 2,
    "call_end-counted": 2,
    "recorded-counted": 1,
    "tick": 2,
    "repeat": 5,
}
PAIRS = (
    ("main", "other"),
    ("main", "other"),
    ("other", "main"),
    ("main", "third"),
    ("third", "other"),
    ("main", "main"),
)
WEIGHTED = tuple(kind for kind, weight in KINDS.items() for _ in range(weight))


@dataclass(frozen=True)
class Move:
    """One step before it is concrete. `variant` holds all smaller choices."""

    kind: str
    pause: int | str
    """Milliseconds, or `EVE`."""
    customer: str
    charge: str
    sender: str | None
    amount: str
    variant: int


# Of bytes, since integers are mostly drawn small: then all but the first few choices would be the first option.
VARIANTS = st.binary(min_size=12, max_size=12).map(lambda drawn: int.from_bytes(drawn, "little"))

MOVES = st.builds(
    Move,
    kind=st.sampled_from(WEIGHTED),
    pause=st.sampled_from((*PAUSES, EVE, EVE)),
    customer=st.sampled_from(CUSTOMERS),
    charge=st.sampled_from(CHARGES),
    sender=st.sampled_from(SENDERS),
    amount=st.sampled_from(AMOUNTS),
    variant=VARIANTS,
)


def prelude(first: str, second: str, credit: int) -> list[model.Input]:
    """Open two customers and give the first some credit, so that most moves meet an account."""
    return [
        model.OpenCustomer(at=START, id="open-a", customer="anna", plan=first),
        model.OpenCustomer(at=START, id="open-b", customer="bob", plan=second),
        model.PutWallet(at=START, id="other-a", customer="anna", wallet="other", kind="user"),
        model.PutWallet(at=START, id="third-a", customer="anna", wallet="third", user="u3"),
        model.PutWallet(at=START, id="other-b", customer="bob", wallet="other", name="Bob's other"),
        PutUser(at=START, id="user-a", customer="anna", user="u1", per_month=9),
        model.TopUp(at=START + 1, id="credit-a", customer="anna", amount=credit, unit=PLANS[first].unit),
    ]


PRELUDES = st.builds(
    prelude, st.sampled_from(tuple(PLANS)), st.sampled_from(tuple(PLANS)), st.sampled_from((40, 100, HUGE, MOST - 50))
)


def concrete(move: Move, bucket: Bucket, earlier: list[model.Input]) -> model.Input:
    """Return the input that a move stands for, given the state before it."""
    choices = Choices(move.variant)
    at = eve_of_month(bucket.clock) if isinstance(move.pause, str) else bucket.clock + move.pause
    if move.kind == "tick":
        return model.Tick(at=at)
    if move.kind == "repeat":
        return replace(earlier[move.variant % len(earlier)], at=at)
    number = len(earlier)
    if move.kind in COMMANDS or move.kind in ("transfer", "reverse_top_up"):
        header: dict[str, Any] = {"at": at, "id": f"c{number}", "customer": move.customer}
        if move.kind == "transfer":
            source, to = choices.of(*PAIRS)
            amount = choices.rarely(amount_of(move, bucket, source), -1)
            unit = choices.rarely(unit_of(move, bucket), "EUR")
            return model.Transfer(**header, wallet=source, to=to, amount=amount, unit=unit)
        amount = amount_of(move, bucket, "main")
        if move.kind == "reverse_top_up":
            return _reversal(choices, header, bucket, amount)
        return COMMANDS[move.kind](choices, header, amount, unit_of(move, bucket))
    kind, _, is_counted = move.kind.partition("-")
    wallet = choices.of("main", *WALLETS)
    header = {
        "at": at,
        "id": f"e{number}",
        "customer": move.customer,
        "wallet": wallet,
        "charge": charge_named(kind, move.charge, choices, bucket, move.customer),
        "sender": move.sender,
        "user": choices.of(None, "u1", "u2"),
        "campaign": choices.of(None, "c1"),
    }
    amount = amount_of(move, bucket, wallet)
    given = EVENTS[kind](choices, header, amount)
    return with_counters(given, Choices(move.variant >> 48), amount) if is_counted else given


def eve_of_month(now: int) -> int:
    """A second before the next month begins, or now where that has begun."""
    today = datetime.fromtimestamp(now / 1000, UTC)
    year, month = divmod(today.year * 12 + today.month, 12)
    return max(now, round(datetime(year, month + 1, 1, tzinfo=UTC).timestamp() * 1000) - SECOND)


def _reversal(choices: Choices, header: dict[str, Any], bucket: Bucket, amount: int) -> model.Input:
    """A reversal of a top-up that is there still, of one that is not, or of one taken back already."""
    customer = bucket.customers.get(header["customer"])
    name = choices.of("main", "main", "other")
    wallet = None if customer is None else customer.wallets.get(name)
    lots = [] if wallet is None else [lot.id for lot in wallet.lots]
    done = [] if customer is None else [*customer.reversals]
    top_up = choices.of(*lots, *done[:1], "0-1")
    cause, unit = choices.of("refund", "chargeback"), "EUR" if wallet is None else wallet.unit
    return model.ReverseTopUp(**header, top_up=top_up, amount=max(1, amount), unit=unit, cause=cause, wallet=name)


def amount_of(move: Move, bucket: Bucket, name: str) -> int:
    """Return the amount, often near to what may be spent from the wallet of that name."""
    spendable = 25
    customer = bucket.customers.get(move.customer)
    if customer is not None and name in customer.wallets:
        spendable = max(0, min(MOST, bucket.spendable(customer, customer.wallets[name])))
    amounts = {
        "zero": 0,
        "one": 1,
        "few": 5,
        "some": 17,
        "below": spendable // 2,
        "exactly": spendable,
        "above": min(MOST, spendable + 1),
        "all": max(0, spendable - 1),
        "huge": HUGE,
        "most": MOST,
    }
    return amounts[move.amount]


def unit_of(move: Move, bucket: Bucket) -> str:
    """Return the unit of the customer's wallets."""
    customer = bucket.customers.get(move.customer)
    return "USD" if customer is None else customer.unit


def charge_named(kind: str, name: str, choices: Choices, bucket: Bucket, customer_name: str) -> str | None:
    """Return a charge id: a submission's is one of few, or none (its own id then); others mostly name a known one."""
    if kind in ("submission", "several", "call", "received"):
        return choices.of(name, None)
    customer = bucket.customers.get(customer_name)
    charges = [] if customer is None else [*customer.charges.values()]
    held = [charge.id for charge in charges if charge.state == "held"]
    settled = [charge.id for charge in charges if charge.state not in ("held", "committed")]
    if kind in ("extension", "call_end"):
        alone = [charge.id for charge in charges if charge.state == "held" and charge.recipients is None]
        held = choices.of(alone, alone, alone, held)
    preferred = choices.of(held, held, held, settled, [])
    return choices.of(*preferred) if preferred else name
