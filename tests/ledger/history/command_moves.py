"""Commands of random histories, made of a move's choices. Leaves whose and how much to `moves`."""

from __future__ import annotations

from typing import Any

from tests.ledger.history.world import LASTS, MOST, PLANS, Choices
from tests.ledger_model import inputs as model


def _open_customer(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    plan = choices.rarely(choices.of(*PLANS), "nowhere")
    zone = choices.of("UTC", "Europe/Madrid", "Mars/Olympus")
    return model.OpenCustomer(**header, plan=plan, time_zone=zone, country=choices.of(None, "ES"))


def _top_up(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    lasts = choices.of(None, *LASTS)
    return model.TopUp(
        **header,
        amount=max(1, amount),
        unit=choices.rarely(unit, "EUR"),
        wallet=choices.rarely("main", "other"),
        lot_kind=choices.of("fro", "nro"),
        expires_at=None if lasts is None else header["at"] + lasts,
    )


def _set_plan(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.SetPlan(**header, plan=choices.of(*PLANS, "nowhere"))


def _set_alert(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    level = choices.of(min(amount, MOST - 8), -5, 0, 20)
    return model.SetAlert(
        **header,
        level=level,
        rearm=choices.of(None, level, level + 7, level + 1),
        rule=choices.of("default", "second", "third"),
        enabled=choices.rarely(usual=True, rare=False),
        percent=choices.of(0, 0, 10, 33, 100),
        user=choices.of("", "u"),
        wallet=choices.rarely("main", "other"),
    )


def _suspend(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.Suspend(**header)


def _resume(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.Resume(**header)


def _block_sender(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.BlockSender(**header, sender=choices.of("s1", "S2", "s3"))


def _unblock_sender(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.UnblockSender(**header, sender=choices.of("s1", "S2", "s3"))


def _adjust(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.Adjust(
        **header,
        amount=choices.of(amount, -amount),
        unit=choices.rarely(unit, "EUR"),
        wallet=choices.rarely("main", "other"),
    )


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
