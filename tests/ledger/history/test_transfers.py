"""Transfers: what moves, what it keeps, and what is refused. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, Story, alerts, block_events, told
from tests.ledger.history.test_wallets import two_wallets
from tests.ledger_model.inputs import CloseWallet, FreezeWallet, OpenCustomer, PutWallet, Transfer
from tests.ledger_model.lots import LOTS_MAX

MOST = 2**53 - 1


@pytest.mark.requirement("IU-06")
@pytest.mark.requirement("ES-10")
@pytest.mark.requirement("INF-06")
async def test_transfer_is_one_entry_with_both_sides(story: Story) -> None:
    await two_wallets(story)

    entry = await story.command(Transfer, to="ann", amount=30)

    assert told(entry, "kind", "wallet", "wallet_seq", "amount", "after.available") == (
        "transferred",
        "main",
        2,
        -30,
        70,
    )
    (leg,) = entry["legs"]
    assert told(leg, "wallet", "wallet_seq", "amount", "before.available", "after.available") == ("ann", 1, 30, 0, 30)


@pytest.mark.requirement("IU-25")
async def test_transfer_goes_out_of_the_pool_into_it_and_between_users(story: Story) -> None:
    await two_wallets(story)
    await story.command(PutWallet, wallet="ben", user="ben")

    entries = [
        await story.command(Transfer, wallet=source, to=to, amount=10)
        for source, to in (("main", "ann"), ("ann", "ben"), ("ben", "main"))
    ]

    assert [entry["kind"] for entry in entries] == ["transferred"] * 3
    assert entries[-1]["legs"][0]["after"]["available"] == 100


@pytest.mark.requirement("ES-12")
@pytest.mark.requirement("ES-11")
@pytest.mark.parametrize(
    ("held", "amount", "kind"),
    [(50, 1, "refused"), (20, 30, "transferred"), (20, 31, "refused"), (0, 50, "transferred")],
)
async def test_no_more_moves_than_is_free(story: Story, held: int, amount: int, kind: str) -> None:
    await two_wallets(story, pool=50)
    await story.submit(held)

    entry = await story.command(Transfer, to="ann", amount=amount)

    assert entry["kind"] == kind
    assert entry["reason"] == (None if kind == "transferred" else "insufficient_credit")


@pytest.mark.requirement("ES-12")
async def test_credit_that_is_not_transferable_stays(story: Story) -> None:
    await two_wallets(story, pool=20)
    await story.top_up(30, transferable=False, lot_kind="nro", expires_at=story.now + DAY)

    assert (await story.command(Transfer, to="ann", amount=21))["reason"] == "insufficient_credit"
    moved = await story.command(Transfer, to="ann", amount=20)
    assert told(moved, "kind", "after.available") == ("transferred", 30)


@pytest.mark.requirement("ES-12")
async def test_moved_lots_keep_kind_and_expiry_and_go_in_the_order_of_use(story: Story) -> None:
    await two_wallets(story, pool=20)
    until = story.now + DAY
    await story.top_up(7, lot_kind="nro", expires_at=until)

    entry = await story.command(Transfer, to="ann", amount=10)

    (leg,) = entry["legs"]
    assert {
        entry["id"]: ("nro", until, 7),
        f"{entry['id']}.002": ("fro", None, 3),
    } == {name: (lot["kind"], lot["expires_at"], lot["remaining"]) for name, lot in leg["lots"].items()}
    story.wait(DAY)
    (lapsed,) = await story.tick()
    assert told(lapsed, "kind", "reason", "wallet", "amount") == ("expired", "lot", "ann", -7)


@pytest.mark.requirement("ES-13")
async def test_move_into_an_empty_blocked_wallet_lifts_its_block_and_asks_the_sources_rule(story: Story) -> None:
    await two_wallets(story)
    await story.set_alert(95, wallet="main")
    denied = await story.submit(10, wallet="ann", charge=None)
    assert block_events(denied) == [("wallet", "ann", True)]

    entry = await story.command(Transfer, to="ann", amount=10)

    assert block_events(entry) == [("wallet", "ann", False)]
    assert entry["blocks"][0]["leg"] == "ann"
    assert alerts(entry) == ["credit.low"]
    assert "leg" not in entry["alerts"][0]


async def test_rule_of_the_target_is_asked_too(story: Story) -> None:
    await two_wallets(story)
    await story.top_up(3, wallet="ann")
    await story.set_alert(1, rearm=8, wallet="ann")
    await story.submit(2, wallet="ann", charge=None)

    entry = await story.command(Transfer, to="ann", amount=10)

    assert [(alert["type"], alert["leg"]) for alert in entry["alerts"]] == [("credit.recovered", "ann")]
    assert [(rule["state"], rule["leg"]) for rule in entry["rules"]] == [("armed", "ann")]


@pytest.mark.requirement("INF-07")
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": 0}, "amount_out_of_range"),
        ({"amount": -1}, "amount_out_of_range"),
        ({"amount": 5, "wallet": "ann", "to": "ann"}, "same_wallet"),
        ({"amount": 101}, "insufficient_credit"),
        ({"amount": MOST}, "insufficient_credit"),
        ({"amount": 5, "unit": "EUR"}, "wrong_unit"),
        ({"amount": 5, "to": "nobody"}, "unknown_wallet"),
        ({"amount": 5, "wallet": "nobody"}, "unknown_wallet"),
    ],
)
async def test_transfer_is_refused(story: Story, fields: dict[str, object], reason: str) -> None:
    await two_wallets(story)

    entry = await story.command(Transfer, **{"to": "ann", **fields})

    assert told(entry, "kind", "reason", "legs", "wallet") == ("refused", reason, [], None)


async def test_nothing_goes_into_a_frozen_or_closed_wallet(story: Story) -> None:
    await two_wallets(story)
    await story.command(FreezeWallet, wallet="ann")
    assert (await story.command(Transfer, to="ann", amount=1))["reason"] == "wallet_frozen"
    await story.command(CloseWallet, wallet="ann")
    assert (await story.command(Transfer, to="ann", amount=1))["reason"] == "wallet_closed"


async def test_wallet_of_another_customer_is_unknown(story: Story) -> None:
    await two_wallets(story)
    await story.command(OpenCustomer, customer="bob", plan="plain")
    await story.command(PutWallet, customer="bob", wallet="bobs")

    assert (await story.command(Transfer, to="bobs", amount=1))["reason"] == "unknown_wallet"


@pytest.mark.requirement("BM-16")
async def test_arriving_credit_pays_what_is_overdrawn_first(story: Story) -> None:
    await two_wallets(story)
    await story.record(20, wallet="ann")

    entry = await story.command(Transfer, to="ann", amount=50)

    (leg,) = entry["legs"]
    assert told(leg, "before.overdrawn", "after.overdrawn", "after.available") == (20, 0, 30)
    assert [lot["remaining"] for lot in leg["lots"].values()] == [30]


async def test_full_wallet_takes_in_what_joins_a_lot_and_nothing_else(story: Story) -> None:
    await two_wallets(story)
    later = story.now + DAY
    for number in range(LOTS_MAX):
        await story.top_up(1, wallet="ann", expires_at=later + number)
    await story.top_up(5, lot_kind="nro", expires_at=later)

    refused = await story.command(Transfer, to="ann", amount=5)
    await story.submit(5, charge=None, charge_on="submit")
    await story.top_up(5, lot_kind="nro", expires_at=later, transferable=False)
    await story.top_up(6, expires_at=later)
    joined = await story.command(Transfer, to="ann", amount=6)

    assert refused["reason"] == "too_many"
    assert [lot["remaining"] for lot in joined["legs"][0]["lots"].values()] == [7]


@pytest.mark.requirement("IU-24")
@pytest.mark.requirement("IU-22")
@pytest.mark.requirement("IU-27")
async def test_bought_credit_is_there_at_once_to_move_and_to_send_and_a_repeat_adds_none(story: Story) -> None:
    await two_wallets(story, pool=0)

    bought = await story.top_up(20)
    again = await story.repeat()
    moved = await story.command(Transfer, to="ann", amount=5)
    sent = await story.submit(5, wallet="ann", charge_on="submit")

    assert told(bought, "kind", "after.available") == ("topped_up", 20)
    assert told(again, "kind", "amount", "duplicate_of") == ("duplicate", 0, bought["seq"])
    assert (moved["after"]["available"], moved["legs"][0]["after"]["available"]) == (15, 5)
    assert told(sent, "decision", "amount", "after.available") == ("allowed", -5, 0)
