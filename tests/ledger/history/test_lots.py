"""Lots: which is used first, where a release goes back to, how credit lapses, what is overdrawn. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, HOUR, Story, remaining, taken, told


async def open_with(story: Story, *lots: tuple[int, str, int | None]) -> list[str]:
    """Open the customer with lots of (amount, kind, lasts); return their names."""
    await story.open(credit=0)
    names = []
    for amount, kind, lasts in lots:
        expires_at = None if lasts is None else story.now + lasts
        entry = await story.top_up(amount, lot_kind=kind, expires_at=expires_at)
        names.append(entry["id"])
    return names


async def test_top_up_makes_a_lot_named_after_its_entry(story: Story) -> None:
    await story.open(credit=0)

    entry = await story.top_up(70, lot_kind="nro", expires_at=story.now + DAY)

    new = {"amount": 70, "held_change": 0, "remaining": 70, "held": 0, "kind": "nro", "expires_at": story.now + DAY}
    assert entry["lots"] == {entry["id"]: new | {"transferable": True, "notice_at": 0}}


@pytest.mark.requirement("PL-10")
async def test_charge_straddles_nro_then_fro(story: Story) -> None:
    fro, nro = await open_with(story, (10, "fro", None), (3, "nro", None))

    entry = await story.submit(5, charge_on="submit")

    assert remaining(entry) == {nro: 0, fro: 8}


@pytest.mark.requirement("PL-10")
async def test_charge_that_nro_covers_leaves_fro_alone(story: Story) -> None:
    _, nro = await open_with(story, (10, "fro", DAY), (3, "nro", None))

    entry = await story.submit(3, charge_on="submit")

    assert remaining(entry) == {nro: 0}


@pytest.mark.requirement("INF-11")
async def test_lot_that_expires_soonest_is_used_first_and_one_without_expiry_last(story: Story) -> None:
    never, late, soon = await open_with(story, (10, "fro", None), (10, "fro", 2 * DAY), (10, "fro", DAY))

    first = await story.submit(15, charge_on="submit", charge=None)
    second = await story.submit(8, charge_on="submit", charge=None)

    assert remaining(first) == {soon: 0, late: 5}
    assert remaining(second) == {late: 0, never: 7}


async def test_of_two_equal_lots_the_older_is_used_first(story: Story) -> None:
    older, _ = await open_with(story, (10, "fro", DAY), (10, "fro", DAY))

    entry = await story.submit(4, charge_on="submit")

    assert remaining(entry) == {older: 6}


async def test_release_returns_credit_to_the_lots_it_came_from(story: Story) -> None:
    fro, nro = await open_with(story, (10, "fro", None), (3, "nro", None))
    reserved = await story.submit(5)

    entry = await story.outcome("cancelled")

    assert reserved["charge"]["parts"] == [(nro, 3), (fro, 2)]
    assert {lot: change["held_change"] for lot, change in entry["lots"].items()} == {nro: -3, fro: -2}
    assert remaining(entry) == {nro: 3, fro: 10}


async def test_commit_of_a_part_spends_nro_and_releases_fro(story: Story) -> None:
    fro, nro = await open_with(story, (10, "fro", None), (3, "nro", None))
    await story.submit(5)

    entry = await story.outcome("sent", price=3, actual=True)

    assert remaining(entry) == {nro: 0, fro: 10}


@pytest.mark.requirement("PL-10")
async def test_failed_recipient_gives_back_fro_while_nro_stays_held(story: Story) -> None:
    fro, nro = await open_with(story, (10, "fro", None), (3, "nro", None))
    await story.submit(6, recipients={"+1": 3, "+2": 3})

    entry = await story.outcome("failed", to="+1")

    assert entry["charge"]["parts"] == [(nro, 3)]
    assert remaining(entry) == {fro: 10}


async def test_credit_that_came_after_the_hold_is_not_touched_by_its_commit(story: Story) -> None:
    (first,) = await open_with(story, (5, "fro", None))
    await story.submit(5)
    await story.top_up(10, lot_kind="nro")

    entry = await story.outcome("sent")

    assert remaining(entry) == {first: 0}


async def test_overdraft_part_of_a_hold_takes_credit_that_came_meanwhile(story: Story) -> None:
    await story.open("overdraft", credit=10)
    reserved = await story.submit(25)
    top_up = await story.top_up(100)

    entry = await story.outcome("sent")

    assert told(reserved, "after") == ({"available": -15, "held": 25, "overdrawn": 0},)
    assert reserved["charge"]["parts"][-1] == ("", 15)
    assert remaining(entry)[top_up["id"]] == 85
    assert entry["after"] == {"available": 85, "held": 0, "overdrawn": 0}


async def test_overdraft_part_of_a_hold_becomes_overdrawn_when_no_credit_came(story: Story) -> None:
    await story.open("overdraft", credit=10)
    await story.submit(25)

    entry = await story.outcome("sent")

    assert told(entry, "amount", "after") == (-25, {"available": -15, "held": 0, "overdrawn": 15})


@pytest.mark.requirement("BM-16")
@pytest.mark.parametrize(
    ("spent", "available", "overdrawn", "lots"), [(120, 80, 0, 1), (220, -20, 20, 0), (200, 0, 0, 0)]
)
async def test_top_up_pays_what_is_overdrawn_first(
    story: Story, spent: int, available: int, overdrawn: int, lots: int
) -> None:
    await story.open(credit=100)
    await story.record(spent)

    entry = await story.top_up(100)

    assert entry["amount"] == 100
    assert entry["after"] == {"available": available, "held": 0, "overdrawn": overdrawn}
    assert len(entry["lots"]) == lots


@pytest.mark.requirement("BM-16")
async def test_release_pays_what_is_overdrawn_first(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(100)
    await story.record(30)

    entry = await story.outcome("cancelled")

    assert told(entry, "kind", "amount", "held_change") == ("released", 0, -100)
    assert taken(entry) == [-30]
    assert entry["after"] == {"available": 70, "held": 0, "overdrawn": 0}


async def test_lot_lapses_at_its_expiry_with_an_entry(story: Story) -> None:
    (lot,) = await open_with(story, (10, "nro", HOUR))
    story.wait(HOUR - 1)
    too_early = await story.tick()
    story.wait(1)

    (entry,) = await story.tick()

    assert too_early == []
    assert told(entry, "kind", "reason", "amount", "due_at") == ("expired", "lot", -10, story.now)
    assert remaining(entry) == {lot: 0}
    assert entry["customer"] == "anna"


async def test_lot_that_is_spent_lapses_without_an_entry(story: Story) -> None:
    await open_with(story, (10, "nro", HOUR))
    await story.submit(10, charge_on="submit")
    story.wait(HOUR)

    assert await story.tick() == []


async def test_held_part_of_an_expired_lot_stays_held_and_can_be_committed(story: Story) -> None:
    (lot,) = await open_with(story, (10, "nro", HOUR))
    await story.submit(4)
    story.wait(HOUR)

    (lapsed,) = await story.tick()
    entry = await story.outcome("sent")

    assert told(lapsed, "amount", "held_change") == (-6, 0)
    assert told(entry, "kind", "amount") == ("committed", -4)
    assert remaining(entry) == {lot: 0}


async def test_credit_released_into_an_expired_lot_lapses_with_its_own_entry(story: Story) -> None:
    await open_with(story, (10, "nro", HOUR))
    await story.submit(4)
    expired_at = story.now + HOUR
    story.wait(2 * HOUR)

    released = await story.outcome("cancelled")
    (entry,) = await story.tick()

    assert told(released, "kind", "amount") == ("released", 0)
    assert told(entry, "kind", "reason", "amount", "due_at") == ("expired", "lot", -4, expired_at)


async def test_expired_lot_pays_what_is_overdrawn_before_it_lapses(story: Story) -> None:
    await open_with(story, (10, "nro", HOUR))
    await story.submit(10)
    await story.record(4)
    story.wait(HOUR)

    await story.outcome("cancelled")
    (entry,) = await story.tick()

    assert told(entry, "amount", "after") == (-6, {"available": 0, "held": 0, "overdrawn": 0})


async def test_top_up_that_has_expired_already_lapses_before_the_next_input(story: Story) -> None:
    await story.open(credit=0)
    await story.top_up(10, expires_at=story.now - HOUR)

    entry = await story.submit(10)

    assert [told(made, "kind", "reason") for made in story.entries[-2:]] == [
        ("expired", "lot"), ("denied", "insufficient_credit"),
    ]  # fmt: skip
    assert entry["decision"] == "denied"


@pytest.mark.requirement("IU-22")
async def test_wallet_full_of_lots_adds_a_top_up_to_the_newest_lot_of_its_kind(story: Story) -> None:
    await story.open(credit=0)
    for _ in range(126):
        await story.top_up(1, lot_kind="nro")
    last = await story.top_up(5, lot_kind="fro")
    await story.top_up(5, lot_kind="promotion")

    entry = await story.top_up(7, lot_kind="fro")
    refused = await story.top_up(7, lot_kind="fro", expires_at=story.now + DAY)
    corrected = await story.adjust_charge(-1)

    assert told(entry, "kind", "amount", "lots") == (
        "topped_up",
        7,
        {last["id"]: {"amount": 7, "held_change": 0, "remaining": 12, "held": 0}},
    )
    assert told(refused, "kind", "reason") == ("refused", "too_many")
    assert remaining(corrected) == {last["id"]: 13}
