"""Usage events of random histories, made of a move's choices. Leaves which charge and how much to `moves`."""

from __future__ import annotations

from typing import Any

from tests.ledger.history.world import DUES, LASTS, MOST, OUTCOMES, RECIPIENTS, Choices
from tests.ledger_model import inputs as model
from tests.ledger_model.calls import Call


def _submission(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Submission(
        **header,
        price=amount,
        charge_on=choices.of(*DUES),
        deadline=header["at"] + choices.of(*LASTS),
        fee=choices.of(0, 0, 2, amount + 1 if amount < MOST else 3),
        broadcast=choices.rarely(usual=False, rare=True),
        scheduled=choices.of(False, False, True),
        draft=choices.rarely(usual=False, rare=True),
    )


def _several(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
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
        scheduled=choices.of(False, False, True),
        draft=choices.rarely(usual=False, rare=True),
    )


def _received(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    feature = choices.of(False, True)
    return model.Submission(**header, price=amount, charge_on="submit", received=True, feature=feature)


def _outcome(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Outcome(
        **header,
        moment=choices.of(*OUTCOMES, "sent", "delivered"),
        charge_on=choices.of(*DUES),
        price=choices.of(None, amount),
        actual=choices.of(True, False),
        to=choices.of(None, *RECIPIENTS, "+999"),
    )


def _call(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    per_call = choices.rarely(usual=False, rare=True)
    call = Call(
        seconds=choices.of(1, 7, 30, 61, 0),
        first=choices.of(1, 30, 60),
        next=choices.of(1, 6, 60),
        per_minute=choices.of(0, 1, 7, 60, min(amount, 10**6)),
        headroom=0 if per_call else choices.of(0, 1, 60),
        connect_fee=choices.of(0, 0, 3),
        minimum=choices.of(0, 0, 9),
        mode=choices.of("half_up", "up", "down", "half_even"),
        step=choices.of(1, 1, 5),
        others=choices.of(0, 0, 2),
        per_call=per_call,
    )
    return model.Submission(
        **header,
        price=call.reserved(call.seconds),
        charge_on="sent",
        deadline=header["at"] + choices.of(*LASTS),
        call=call,
        scheduled=choices.rarely(usual=False, rare=True),
    )


def _extension(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    seconds = choices.of(0, 1, 6, 29, 60, 600)
    price = choices.of(amount, amount, None)
    return model.Extension(**header, price=price, deadline=header["at"] + choices.of(*LASTS), seconds=seconds)


def _call_end(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.CallEnd(**header, price=choices.of(amount, amount, None), seconds=choices.of(0, 1, 29, 60, 95, 4000))


def _recorded(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Recorded(**header, price=amount)


def _adjustment(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    return model.Adjustment(**header, amount=choices.of(amount, -amount))


def _unpriced(choices: Choices, header: dict[str, Any], amount: int) -> model.Input:
    reason = choices.of("unrated", "rejected_destination", "invalid_number", "too_many", "unpriced")
    return model.Unpriced(**header, reason=reason, asked=choices.of(True, False))


EVENTS = {
    "submission": _submission,
    "several": _several,
    "call": _call,
    "received": _received,
    "outcome": _outcome,
    "extension": _extension,
    "call_end": _call_end,
    "recorded": _recorded,
    "adjustment": _adjustment,
    "unpriced": _unpriced,
}
