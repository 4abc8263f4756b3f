"""Wallets: opened, named, frozen, thawed, closed, merged. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, Story, block_events, told
from tests.ledger_model.inputs import (
    Adjust,
    CloseWallet,
    Command,
    FreezeWallet,
    MergeWallets,
    PutWallet,
    SetAlert,
    ThawWallet,
    TopUp,
    Transfer,
)

NOTHING = {"available": 0, "held": 0, "overdrawn": 0}


async def two_wallets(story: Story, plan: str = "plain", pool: int = 100) -> None:
    """The company pool, and the empty wallet `ann`."""
    await story.open(plan, credit=pool)
    await story.command(PutWallet, wallet="ann", user="ann")


@pytest.mark.requirement("ES-19")
async def test_wallet_has_name_reference_and_keyword_or_none(story: Story) -> None:
    await story.open()

    opened = await story.command(PutWallet, wallet="north", kind="team", name="North", reference="R-7")
    named = await story.command(PutWallet, wallet="north", keyword="NORTH")

    assert told(opened, "kind", "wallet", "before", "after") == ("opened", "north", NOTHING, NOTHING)
    assert opened["profile"]["keyword"] is None
    assert told(named, "kind", "wallet_seq") == ("settings_changed", None)
    assert named["profile"] == {
        "state": "active",
        "kind": "team",
        "user": None,
        "name": "North",
        "reference": "R-7",
        "keyword": "NORTH",
    }


@pytest.mark.requirement("ES-04")
async def test_renaming_leaves_the_reference_and_an_empty_text_takes_one_away(story: Story) -> None:
    await story.open()
    await story.command(PutWallet, wallet="main", name="Old", reference="R-1", keyword="GO")

    entry = await story.command(PutWallet, wallet="main", name="ñ" * 50, keyword="")

    assert told(entry, "profile.name", "profile.reference", "profile.keyword", "profile.kind") == (
        "ñ" * 50,
        "R-1",
        None,
        "company_pool",
    )


async def test_main_wallet_takes_no_other_kind(story: Story) -> None:
    await story.open()

    assert (await story.command(PutWallet, wallet="main", kind="user"))["reason"] == "main_wallet"


@pytest.mark.requirement("IU-13")
async def test_frozen_balance_stays_cannot_be_spent_and_can_be_moved_and_spent_elsewhere(story: Story) -> None:
    await two_wallets(story, pool=0)
    await story.top_up(40, wallet="ann")

    frozen = await story.command(FreezeWallet, wallet="ann")
    denied = await story.submit(1, wallet="ann", charge=None)
    moved = await story.command(Transfer, wallet="ann", to="main", amount=40)
    spent = await story.submit(40, wallet="main", charge="now")

    assert told(frozen, "kind", "profile.state", "after.available") == ("frozen", "frozen", 40)
    assert told(denied, "kind", "decision", "reason", "after.available") == ("denied", "denied", "wallet_frozen", 40)
    assert told(moved, "kind", "amount", "after.available") == ("transferred", -40, 0)
    assert spent["decision"] == "allowed"


@pytest.mark.requirement("IU-13")
async def test_thawing_makes_the_balance_spendable_again(story: Story) -> None:
    await two_wallets(story)
    await story.top_up(40, wallet="ann")
    await story.command(FreezeWallet, wallet="ann")

    thawed = await story.command(ThawWallet, wallet="ann")

    assert told(thawed, "kind", "profile.state") == ("thawed", "active")
    assert block_events(thawed) == [("wallet", "ann", False)]
    assert (await story.submit(40, wallet="ann"))["decision"] == "allowed"


async def test_freeze_and_want_of_credit_are_one_block_until_both_are_gone(story: Story) -> None:
    await two_wallets(story)
    wanting = await story.submit(5, wallet="ann", charge=None)

    frozen = await story.command(FreezeWallet, wallet="ann")
    paid = await story.top_up(10, wallet="ann")
    thawed = await story.command(ThawWallet, wallet="ann")

    assert [block_events(entry) for entry in (wanting, frozen, paid, thawed)] == [
        [("wallet", "ann", True)],
        [],
        [],
        [("wallet", "ann", False)],
    ]
    assert [block["causes"] for block in paid["blocks"]] == [["wallet_frozen"]]


async def test_charges_held_before_a_freeze_are_settled(story: Story) -> None:
    await two_wallets(story)
    await story.top_up(10, wallet="ann")
    await story.submit(4, wallet="ann", charge="a")
    await story.command(FreezeWallet, wallet="ann")

    sent = await story.outcome("sent", charge="a")

    assert told(sent, "kind", "amount", "after.available") == ("committed", -4, 6)
    assert (await story.receive(1, wallet="ann"))["reason"] == "wallet_frozen"


@pytest.mark.parametrize(
    ("kind", "first", "reason"),
    [
        (FreezeWallet, None, "already"),
        (ThawWallet, ThawWallet, "not_frozen"),
        (FreezeWallet, CloseWallet, "wallet_closed"),
        (ThawWallet, CloseWallet, "wallet_closed"),
    ],
)
async def test_freeze_and_thaw_are_refused_where_they_would_change_nothing(
    story: Story, kind: type[Command], first: type[Command] | None, reason: str
) -> None:
    await two_wallets(story)
    await story.command(FreezeWallet, wallet="ann")
    if first is not None:
        await story.command(first, wallet="ann")

    assert told(await story.command(kind, wallet="ann"), "kind", "reason") == ("refused", reason)
    assert (await story.command(kind, wallet="nobody"))["reason"] == "unknown_wallet"


async def test_closed_wallet_gives_everything_back_and_takes_nothing_any_more(story: Story) -> None:
    await two_wallets(story)
    await story.top_up(30, wallet="ann", transferable=False)
    await story.set_alert(5, wallet="ann")
    await story.submit(31, wallet="ann", charge=None, sender="s")

    closed = await story.command(CloseWallet, wallet="ann")

    assert told(closed, "kind", "amount", "profile.state", "after.available") == ("closed", -30, "closed", 0)
    assert [(leg["wallet"], leg["amount"], leg["after"]["available"]) for leg in closed["legs"]] == [("main", 30, 130)]
    assert block_events(closed) == [("sender", "s", False)]
    assert (await story.submit(1, wallet="ann", charge=None))["reason"] == "wallet_closed"
    for kind, fields in (
        (TopUp, {"amount": 1}),
        (Adjust, {"amount": 1}),
        (SetAlert, {"level": 1}),
        (PutWallet, {"name": "x"}),
        (Transfer, {"to": "main", "amount": 1}),
    ):
        assert (await story.command(kind, wallet="ann", **fields))["reason"] == "wallet_closed"
    assert (await story.command(CloseWallet, wallet="ann"))["reason"] == "already"


async def test_wallet_with_open_holds_is_not_closed(story: Story) -> None:
    await two_wallets(story)
    await story.top_up(30, wallet="ann")
    await story.submit(1, wallet="ann", charge="a")

    assert (await story.command(CloseWallet, wallet="ann"))["reason"] == "holds_open"
    await story.outcome("sent", charge="a")
    assert (await story.command(CloseWallet, wallet="ann"))["kind"] == "closed"


async def test_shortfall_of_a_closing_wallet_goes_along_only_where_the_plan_writes_it_off(story: Story) -> None:
    await two_wallets(story)
    await story.record(7, wallet="ann")

    refused = await story.command(CloseWallet, wallet="ann", writes_off=False)
    closed = await story.command(CloseWallet, wallet="ann")

    assert refused["reason"] == "wallet_overdrawn"
    assert told(closed, "kind", "amount", "after") == ("closed", 7, NOTHING)
    assert [(leg["wallet"], leg["amount"], leg["after"]["available"]) for leg in closed["legs"]] == [("main", -7, 93)]


async def test_what_reaches_a_closed_wallet_late_can_be_moved_by_closing_it_again(story: Story) -> None:
    await two_wallets(story)
    await story.top_up(9, wallet="ann")
    await story.submit(4, wallet="ann", charge="a", lasts=DAY)
    await story.outcome("failed", charge="a")
    await story.command(CloseWallet, wallet="ann")

    late = await story.outcome("sent", charge="a")
    again = await story.command(CloseWallet, wallet="ann")

    assert told(late, "kind", "wallet", "after.overdrawn") == ("debited", "ann", 4)
    assert told(again, "kind", "amount", "after.overdrawn") == ("closed", 4, 0)


async def test_merged_wallet_leaves_all_it_had_and_owed_to_the_other(story: Story) -> None:
    await two_wallets(story, pool=0)
    await story.command(PutWallet, wallet="ben", user="ben")
    await story.top_up(5, wallet="ann", lot_kind="nro", expires_at=story.now + DAY)
    await story.record(2, wallet="ben")

    merged = await story.command(MergeWallets, wallet="ann", to="ben")

    assert told(merged, "kind", "wallet", "amount", "profile.state") == ("merged", "ann", -5, "closed")
    (leg,) = merged["legs"]
    assert told(leg, "wallet", "amount", "after.available", "after.overdrawn") == ("ben", 5, 3, 0)
    assert [(lot["kind"], lot["expires_at"], lot["remaining"]) for lot in leg["lots"].values()] == [
        ("nro", story.now + DAY, 3)
    ]


@pytest.mark.parametrize(
    ("kind", "wallet", "to", "reason"),
    [
        (CloseWallet, "main", "ann", "main_wallet"),
        (MergeWallets, "main", "ann", "main_wallet"),
        (CloseWallet, "ann", "ann", "same_wallet"),
        (MergeWallets, "ann", "nobody", "unknown_wallet"),
        (MergeWallets, "nobody", "ann", "unknown_wallet"),
    ],
)
async def test_closing_and_merging_are_refused(
    story: Story, kind: type[Command], wallet: str, to: str, reason: str
) -> None:
    await two_wallets(story)

    assert told(await story.command(kind, wallet=wallet, to=to), "kind", "reason") == ("refused", reason)
