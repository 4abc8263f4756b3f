"""Commands of random histories, made of a move's choices. Leaves whose and how much to `moves`."""

from __future__ import annotations

from typing import Any

from tests.ledger.history.world import LASTS, LIMITED, MOST, PLANS, WALLETS, Choices
from tests.ledger_model import inputs as model
from tests.ledger_model.number_inputs import AddNumber, RemoveNumber
from tests.ledger_model.spam_inputs import MarkSpam, UnmarkSpam
from tests.ledger_model.user_inputs import CloseUser, PutUser, SetAllotment


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
        wallet=choices.of("main", *WALLETS),
        lot_kind=choices.of("fro", "nro"),
        expires_at=None if lasts is None else header["at"] + lasts,
        transferable=choices.of(True, True, True, False),
    )


def _put_wallet(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.PutWallet(
        **header,
        wallet=choices.of(*WALLETS),
        kind=choices.of(None, None, "user", "team"),
        user=choices.of(None, "u7"),
        name=choices.of(None, "Sales", ""),
        reference=choices.of(None, "r-1"),
        keyword=choices.of(None, "SALE", ""),
    )


def _freeze_wallet(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.FreezeWallet(**header, wallet=choices.of(*WALLETS))


def _thaw_wallet(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.ThawWallet(**header, wallet=choices.of(*WALLETS))


def _close_wallet(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.CloseWallet(
        **header, wallet=choices.of(*WALLETS), to=choices.of("main", *WALLETS), writes_off=choices.of(True, False)
    )


def _merge_wallets(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.MergeWallets(**header, wallet=choices.of(*WALLETS), to=choices.of(*WALLETS))


def _set_wallet_mode(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    wallets = choices.of(("other", "third"), ("other",), (), ("third",), ("other", "nobody"), ("other", "other"))
    return model.SetWalletMode(**header, mode=choices.of("shared_pool", "per_user", "per_account"), wallets=wallets)


def _cancel_plan(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.CancelPlan(**header)


def _set_options(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return model.SetOptions(
        **header,
        rop=choices.of(None, True, False, False),
        equipment=choices.of(None, (), ("code",), ("line", "code"), ("foreign", "code"), ("keyword",)),
        time_zone=choices.of(None, None, "America/New_York", "Europe/Madrid", "Mars/Olympus"),
        country=choices.of(None, "US"),
    )


def _mark_spam(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return MarkSpam(**header)


def _unmark_spam(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return UnmarkSpam(**header)


def _add_number(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return AddNumber(**header, number=choices.of("+1201", "+1202", "+1203"), type=choices.of("", "", "toll_free", "x"))


def _remove_number(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return RemoveNumber(**header, number=choices.of("+1201", "+1202", "+1203"))


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
        user=choices.of("", "u1", "u2"),
        wallet=choices.of("main", *WALLETS),
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
        wallet=choices.of("main", *WALLETS),
    )


def _put_limit(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    level, names = choices.of(*LIMITED)
    return model.PutLimit(
        **header,
        level=level,
        name=choices.of(*names),
        window=choices.of("none", "day", "day", "month", "cycle"),
        cap=choices.of(None, 0, 7, 12, 30, 60, amount),
        carry=choices.of(False, False, True),
    )


def _put_user(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    values = (None, 0, 5, 20, 50, min(max(amount, 0), MOST))
    return PutUser(
        **header,
        user=choices.of("u1", "u2", "u3"),
        role=choices.of(None, None, "user", "admin"),
        per_month=choices.of(*values),
        total=choices.of(None, *values),
    )


def _set_allotment(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    values = (None, 0, 3, 11, 30, min(max(amount, 0), MOST))
    return SetAllotment(
        **header,
        user=choices.of("u1", "u1", "u2", "u3"),
        per_month=choices.of(None, *values),
        total=choices.of(None, *values),
        add=choices.of(None, 1, 5, 9, -4, -amount),
    )


def _close_user(choices: Choices, header: dict[str, Any], amount: int, unit: str) -> model.Input:
    return CloseUser(**header, user=choices.of("u1", "u2", "u3"))


COMMANDS = {
    "open_customer": _open_customer,
    "top_up": _top_up,
    "set_plan": _set_plan,
    "cancel_plan": _cancel_plan,
    "set_options": _set_options,
    "mark_spam": _mark_spam,
    "unmark_spam": _unmark_spam,
    "add_number": _add_number,
    "remove_number": _remove_number,
    "set_alert": _set_alert,
    "suspend": _suspend,
    "resume": _resume,
    "block_sender": _block_sender,
    "unblock_sender": _unblock_sender,
    "adjust": _adjust,
    "put_wallet": _put_wallet,
    "set_wallet_mode": _set_wallet_mode,
    "freeze_wallet": _freeze_wallet,
    "thaw_wallet": _thaw_wallet,
    "close_wallet": _close_wallet,
    "merge_wallets": _merge_wallets,
    "put_limit": _put_limit,
    "put_user": _put_user,
    "set_allotment": _set_allotment,
    "close_user": _close_user,
}
