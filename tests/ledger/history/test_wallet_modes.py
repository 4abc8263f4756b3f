"""Wallet modes, and top-ups taken back. On both buckets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.history.story import DAY, Story, told
from tests.ledger.history.test_wallets import two_wallets
from tests.ledger_model.inputs import FreezeWallet, PutWallet, ReverseTopUp, SetWalletMode


def total(entries: list[dict[str, Any]]) -> int:
    """Balances of all wallets after the newest entry of each."""
    balances: dict[str, int] = {}
    for entry in entries:
        for shown in (entry, *entry["legs"]):
            if shown["after"] is not None:
                balances[shown["wallet"]] = shown["after"]["available"] + shown["after"]["held"]
    return sum(balances.values())


@pytest.mark.requirement("INF-16")
@pytest.mark.requirement("IU-01")
async def test_pool_takes_in_the_users_credit_with_one_entry_and_nothing_is_lost(story: Story) -> None:
    await two_wallets(story, pool=7)
    await story.command(PutWallet, wallet="ben", user="ben")
    await story.top_up(30, wallet="ann")
    await story.top_up(5, wallet="ben", transferable=False, lot_kind="nro", expires_at=story.now + DAY)
    await story.submit(12, wallet="ann", charge="a")
    before = total(story.entries)

    entry = await story.command(SetWalletMode, mode="shared_pool", wallets=("ann", "ben"))

    assert told(entry, "kind", "wallet", "amount", "settings.version", "settings.wallet_mode") == (
        "settings_changed",
        "main",
        23,
        2,
        "shared_pool",
    )
    assert [(leg["wallet"], leg["amount"], leg["after"]["held"]) for leg in entry["legs"]] == [
        ("ann", -18, 12),
        ("ben", -5, 0),
    ]
    assert sorted((lot["kind"], lot["remaining"], lot["transferable"]) for lot in entry["lots"].values()) == [
        ("fro", 18, True),
        ("nro", 5, False),
    ]
    assert before == total(story.entries) == 42
    assert told(await story.outcome("sent", charge="a"), "kind", "wallet") == ("committed", "ann")


async def test_mode_without_wallets_moves_nothing(story: Story) -> None:
    await two_wallets(story)

    entry = await story.command(SetWalletMode, mode="per_user")

    assert told(entry, "kind", "wallet_seq", "amount", "legs", "settings.wallet_mode") == (
        "settings_changed",
        None,
        0,
        [],
        "per_user",
    )


@pytest.mark.parametrize(
    ("wallets", "reason"),
    [(("nobody",), "unknown_wallet"), (("main",), "same_wallet"), (("ann", "ann"), "same_wallet")],
)
async def test_mode_is_refused_with_wallets_that_cannot_be_swept(
    story: Story, wallets: tuple[str, ...], reason: str
) -> None:
    await two_wallets(story)
    await story.top_up(1, wallet="ann")

    entry = await story.command(SetWalletMode, mode="shared_pool", wallets=wallets)

    assert told(entry, "kind", "reason", "settings") == ("refused", reason, None)


async def test_frozen_pool_takes_nothing_in(story: Story) -> None:
    await two_wallets(story)
    await story.top_up(1, wallet="ann")
    await story.command(FreezeWallet, wallet="main")

    assert (await story.command(SetWalletMode, mode="shared_pool", wallets=("ann",)))["reason"] == "wallet_frozen"


@pytest.mark.requirement("INF-14")
@pytest.mark.parametrize("cause", ["refund", "chargeback"])
async def test_reversal_takes_from_the_top_ups_own_lot_first_and_goes_below_zero(story: Story, cause: str) -> None:
    await story.open(credit=10)
    bought = await story.top_up(50)
    await story.submit(25, charge_on="submit", charge=None)

    entry = await story.command(ReverseTopUp, top_up=bought["id"], amount=50, cause=cause)

    assert told(entry, "kind", "reason", "amount", "after.available", "after.overdrawn") == (
        "reversed",
        cause,
        -50,
        -15,
        15,
    )


async def test_reversal_leaves_other_lots_as_long_as_its_own_has_enough(story: Story) -> None:
    await story.open(credit=10)
    bought = await story.top_up(50)

    entry = await story.command(ReverseTopUp, top_up=bought["id"], amount=50)

    assert {bought["id"]: -50} == {name: lot["amount"] for name, lot in entry["lots"].items()}


@pytest.mark.requirement("INF-14")
async def test_top_up_is_taken_back_only_once(story: Story) -> None:
    await story.open(credit=10)
    bought = await story.top_up(50)
    await story.command(ReverseTopUp, top_up=bought["id"], amount=50)

    again = await story.command(ReverseTopUp, top_up=bought["id"], amount=50)

    assert told(again, "kind", "reason", "amount") == ("refused", "already", 0)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"wallet": "nobody"}, "unknown_wallet"),
        ({"unit": "EUR"}, "wrong_unit"),
        ({"amount": 2**53 - 1}, "amount_out_of_range"),
    ],
)
async def test_reversal_is_refused(story: Story, fields: dict[str, object], reason: str) -> None:
    await story.open(credit=0)
    await story.record(5)

    entry = await story.command(ReverseTopUp, **{"top_up": "0-2", "amount": 50, **fields})

    assert told(entry, "kind", "reason") == ("refused", reason)


@pytest.mark.requirement("PG-15")
@pytest.mark.requirement("BM-01")
async def test_what_comes_in_and_what_goes_out_stand_in_one_history_of_one_unit(story: Story) -> None:
    await story.open(credit=0)

    bought = await story.top_up(50)
    sent = await story.submit(1, charge_on="submit", charge=None)
    wrong = await story.top_up(5, unit="EUR")

    assert [(entry["wallet_seq"], entry["amount"]) for entry in (bought, sent)] == [(1, 50), (2, -1)]
    assert told(wrong, "kind", "reason") == ("refused", "wrong_unit")


@pytest.mark.requirement("BM-16")
@pytest.mark.parametrize(("owed", "balance", "blocked"), [(20, 80, False), (120, -20, True)])
async def test_recharge_from_below_zero_fills_the_shortfall_first(
    story: Story, owed: int, balance: int, *, blocked: bool
) -> None:
    await story.open(credit=0)
    await story.record(owed)

    entry = await story.top_up(100)

    assert entry["after"]["available"] == balance
    assert ((await story.submit(1, charge=None))["reason"] == "blocked") is blocked
