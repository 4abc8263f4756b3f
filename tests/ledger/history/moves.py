"""Random histories as moves: drawn by hypothesis, made concrete by the model's state. Leaves running them to the tests.

A move names few customers, charges and senders, so that moves collide; its amount is given relative to what is available,
so that prices fall on both sides of it and on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.ledger_model import inputs as model
from tests.ledger_model.bucket import Bucket
from tests.ledger_model.state import Plan

T = TypeVar("T")

START = 1_790_000_000_000
SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
HUGE = 10**14 + 1
MOST = 2**53 - 1

PLANS = {
    "strict": Plan("USD", alert=(10, 15)),
    "overdraft": Plan("USD", overdraft_limit=30),
    "level": Plan("USD", block_level=8, alert=(20, 21)),
    "both": Plan("USD", overdraft_limit=12, block_level=5, alert=(-3, 4)),
    "boundless": Plan("USD", overdraft_limit=MOST),
    "euro": Plan("EUR"),
}
CUSTOMERS = ("anna", "bob", "Ghost")
CHARGES = ("x", "y", "Z")
SENDERS = (None, "s1", "S2", "s3")
RECIPIENTS = ("+1", "+2", "+10")
OUTCOMES = ("sent", "delivered", "failed", "cancelled", "expired")
DUES = ("submit", "sent", "delivered")
PAUSES = (0, 0, 0, 1, 1, 40, SECOND, SECOND, -SECOND, 60 * SECOND, HOUR, 6 * HOUR, 17 * HOUR, DAY, 25 * HOUR, 8 * DAY)
LASTS = (0, 1, 50, SECOND, 61 * SECOND, HOUR, 2 * DAY, 9 * DAY)
AMOUNTS = ("zero", "one", "few", "some", "below", "exactly", "above", "all", "huge", "most")
KINDS = {
    "submission": 12,
    "outcome": 12,
    "several": 4,
    "extension": 4,
    "call_end": 3,
    "received": 2,
    "recorded": 3,
    "adjustment": 3,
    "unpriced": 1,
    "top_up": 8,
    "adjust": 3,
    "set_alert": 4,
    "set_plan": 2,
    "suspend": 1,
    "resume": 2,
    "block_sender": 1,
    "unblock_sender": 2,
    "open_customer": 1,
    "tick": 2,
    "repeat": 5,
}
WEIGHTED = tuple(kind for kind, weight in KINDS.items() for _ in range(weight))


@dataclass(frozen=True)
class Move:
    """One step before it is concrete. `variant` holds all smaller choices."""

    kind: str
    pause: int
    customer: str
    charge: str
    sender: str | None
    amount: str
    variant: int


MOVES = st.builds(
    Move,
    kind=st.sampled_from(WEIGHTED),
    pause=st.sampled_from(PAUSES),
    customer=st.sampled_from(("anna", "anna", "anna", "bob", "Ghost")),
    charge=st.sampled_from(CHARGES),
    sender=st.sampled_from(SENDERS),
    amount=st.sampled_from(AMOUNTS),
    variant=st.integers(0, 10**6),
)


def prelude(first: str, second: str, credit: int) -> list[model.Input]:
    """Open two customers and give the first some credit, so that most moves meet an account."""
    return [
        model.OpenCustomer(at=START, id="open-a", customer="anna", plan=first),
        model.OpenCustomer(at=START, id="open-b", customer="bob", plan=second),
        model.TopUp(at=START + 1, id="credit-a", customer="anna", amount=credit, unit=PLANS[first].unit),
    ]


PRELUDES = st.builds(
    prelude, st.sampled_from(tuple(PLANS)), st.sampled_from(tuple(PLANS)), st.sampled_from((40, 100, HUGE, MOST - 50))
)


class Choices:
    """Draws small choices from one number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def of(self, *options: T) -> T:
        """Choose one."""
        self._number, index = divmod(self._number, len(options))
        return options[index]

    def rarely(self, usual: T, rare: T) -> T:
        """Choose the rare one once in nine."""
        self._number, index = divmod(self._number, 9)
        return rare if index == 8 else usual


def concrete(move: Move, bucket: Bucket, earlier: list[model.Input]) -> model.Input:
    """Return the input that a move stands for, given the state before it."""
    choices = Choices(move.variant)
    at = bucket.clock + move.pause
    if move.kind == "tick":
        return model.Tick(at=at)
    if move.kind == "repeat":
        return replace(earlier[move.variant % len(earlier)], at=at)
    number = len(earlier)
    amount = amount_of(move, bucket)
    if move.kind in COMMANDS:
        header = {"at": at, "id": f"c{number}", "customer": move.customer}
        return COMMANDS[move.kind](move, choices, header, amount)
    header = {
        "at": at,
        "id": f"e{number}",
        "customer": move.customer,
        "wallet": choices.rarely("main", "other"),
        "charge": charge_named(move, choices, earlier),
        "sender": move.sender,
    }
    return EVENTS[move.kind](move, choices, header, amount)


def amount_of(move: Move, bucket: Bucket) -> int:
    """Return the amount, often near to what may be spent."""
    spendable = 25
    customer = bucket.customers.get(move.customer)
    if customer is not None:
        spendable = max(0, min(MOST, bucket.spendable(customer, customer.wallets["main"])))
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


def charge_named(move: Move, choices: Choices, earlier: list[model.Input]) -> str | None:
    """Return a charge id: one of few, or none, or the id of an earlier event, which stands for a charge as well."""
    name = choices.of(move.charge, move.charge, move.charge, None, "earlier")
    if name != "earlier":
        return name
    events = [given.id for given in earlier if isinstance(given, model.Submission) and given.charge is None]
    return events[-1] if events else move.charge


def _submission(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Submission(
        **header,
        price=amount,
        charge_on=choices.of(*DUES),
        deadline=header["at"] + choices.of(*LASTS),
        fee=choices.of(0, 0, 2, amount + 1 if amount < MOST else 3),
        broadcast=choices.rarely(usual=False, rare=True),
    )


def _several(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    share = amount // 3
    prices = choices.of((share, share, amount - 2 * share), (0, 0, amount), (0, 0, 0), (1, 2, 3))
    recipients = dict(zip(RECIPIENTS, prices, strict=True))
    return model.Submission(
        **header,
        price=sum(prices),
        charge_on=choices.of(*DUES),
        deadline=header["at"] + choices.of(*LASTS),
        fee=choices.of(0, 0, 1, 4),
        broadcast=choices.of(False, True),
        recipients=recipients,
    )


def _received(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Submission(**header, price=amount, charge_on="submit", received=True)


def _outcome(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Outcome(
        **{**header, "charge": header["charge"] or move.charge},
        moment=choices.of(*OUTCOMES, "sent", "delivered"),
        charge_on=choices.of(*DUES),
        price=choices.of(None, amount),
        actual=choices.of(True, False),
        to=choices.of(None, *RECIPIENTS, "+999"),
    )


def _extension(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    header["charge"] = header["charge"] or move.charge
    return model.Extension(**header, price=amount, deadline=header["at"] + choices.of(*LASTS))


def _call_end(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    header["charge"] = header["charge"] or move.charge
    return model.CallEnd(**header, price=choices.of(amount, amount, None))


def _recorded(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Recorded(**header, price=amount)


def _adjustment(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    header["charge"] = header["charge"] or move.charge
    return model.Adjustment(**header, amount=choices.of(amount, -amount))


def _unpriced(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    reason = choices.of("unrated", "rejected_destination", "invalid_number", "too_many", "unpriced")
    return model.Unpriced(**header, reason=reason, asked=choices.of(True, False))


def _open_customer(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    plan = choices.rarely(choices.of(*PLANS), "nowhere")
    zone = choices.of("UTC", "Europe/Madrid", "Mars/Olympus")
    return model.OpenCustomer(**header, plan=plan, time_zone=zone, country=choices.of(None, "ES"))


def _top_up(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    lasts = choices.of(None, *LASTS)
    return model.TopUp(
        **header,
        amount=max(1, amount),
        unit=choices.rarely("USD", "EUR"),
        wallet=choices.rarely("main", "other"),
        lot_kind=choices.of("fro", "nro"),
        expires_at=None if lasts is None else header["at"] + lasts,
    )


def _set_plan(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.SetPlan(**header, plan=choices.of(*PLANS, "nowhere"))


def _set_alert(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    level = choices.of(min(amount, MOST - 8), -5, 0, 20)
    return model.SetAlert(
        **header,
        level=level,
        rearm=choices.of(None, level, level + 7, level + 1),
        rule=choices.of("default", "second", "third"),
        enabled=choices.rarely(usual=True, rare=False),
        wallet=choices.rarely("main", "other"),
    )


def _suspend(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Suspend(**header)


def _resume(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Resume(**header)


def _block_sender(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.BlockSender(**header, sender=move.sender or "s1")


def _unblock_sender(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.UnblockSender(**header, sender=move.sender or "s1")


def _adjust(move: Move, choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Adjust(
        **header,
        amount=choices.of(amount, -amount),
        unit=choices.rarely("USD", "EUR"),
        wallet=choices.rarely("main", "other"),
    )


EVENTS = {
    "submission": _submission,
    "several": _several,
    "received": _received,
    "outcome": _outcome,
    "extension": _extension,
    "call_end": _call_end,
    "recorded": _recorded,
    "adjustment": _adjustment,
    "unpriced": _unpriced,
}
COMMANDS = {
    "open_customer": _open_customer,
    "top_up": _top_up,
    "set_plan": _set_plan,
    "set_alert": _set_alert,
    "suspend": _suspend,
    "resume": _resume,
    "block_sender": _block_sender,
    "unblock_sender": _unblock_sender,
    "adjust": _adjust,
}
