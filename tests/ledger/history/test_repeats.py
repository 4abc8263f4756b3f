"""Repeats of events and commands: what they are answered, and when they are forgotten. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, HOUR, START, Story, told
from tests.ledger_model.inputs import Submission, TopUp

SLOT = 12 * HOUR
WINDOW = DAY + HOUR // 6


@pytest.mark.requirement("INF-01")
async def test_event_delivered_twice_is_charged_once_and_answered_alike(story: Story) -> None:
    await story.open(credit=100)
    first = await story.submit(40, charge_on="submit")

    again = await story.repeat()

    assert told(again, "kind", "decision", "amount", "duplicate_of") == ("duplicate", "allowed", 0, first["seq"])
    assert story.available == 60


@pytest.mark.requirement("INF-01")
async def test_repeat_of_a_denied_event_is_denied_even_when_there_is_credit_now(story: Story) -> None:
    await story.open(credit=10)
    first = await story.submit(40)
    await story.top_up(100)

    again = await story.repeat(back=2)

    assert told(again, "kind", "reason", "decision", "duplicate_of") == (
        "duplicate", "insufficient_credit", "denied", first["seq"],
    )  # fmt: skip


@pytest.mark.requirement("INF-01")
async def test_history_told_a_second_time_changes_no_balance(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40)
    await story.outcome("sent")
    await story.record(5)
    await story.adjust_charge(-2)
    before = story.figures

    again = await story.do_all(list(story.told))

    assert {entry["kind"] for entry in again} == {"duplicate"}
    assert {entry["amount"] for entry in again} == {0}
    assert story.figures == before


async def test_repeat_in_the_same_chunk_is_recognised(story: Story) -> None:
    await story.open(credit=100)
    event = story.event(Submission, price=40, charge_on="submit")

    first, again = await story.do_all([event, event])

    assert told(again, "kind", "duplicate_of") == ("duplicate", first["seq"])


async def test_same_id_from_another_source_is_another_event(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, id="same", charge="a")

    entry = await story.submit(40, id="same", source="another", charge="b")

    assert entry["kind"] == "reserved"


async def test_repeat_that_names_another_customer_is_still_a_repeat(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, id="same")

    entry = await story.submit(40, id="same", customer="bob")

    assert told(entry, "kind", "customer") == ("duplicate", "bob")


async def test_event_of_an_unknown_customer_is_remembered_as_well(story: Story) -> None:
    await story.submit(40)

    entry = await story.repeat()

    assert told(entry, "kind", "reason", "decision") == ("duplicate", "unknown_customer", "denied")


@pytest.mark.parametrize(("late", "kind"), [(-1, "duplicate"), (0, "debited")])
async def test_event_is_forgotten_when_the_slot_of_its_moment_has_left_the_window(
    story: Story, late: int, kind: str
) -> None:
    await story.open(credit=100)
    story.now = (START // SLOT + 1) * SLOT + 17
    await story.submit(40, id="same", charge_on="submit", charge=None)
    story.now = (START // SLOT + 2) * SLOT + WINDOW + late

    entry = await story.submit(40, id="same", charge_on="submit", charge=None)

    assert entry["kind"] == kind


async def test_repeat_does_not_prolong_the_memory(story: Story) -> None:
    await story.open(credit=100)
    story.now = (START // SLOT + 1) * SLOT
    await story.submit(40, id="same", charge_on="submit", charge=None)
    story.wait(DAY)
    await story.submit(40, id="same", charge_on="submit", charge=None)
    story.now = (START // SLOT + 2) * SLOT + WINDOW

    entry = await story.submit(40, id="same", charge_on="submit", charge=None)

    assert entry["kind"] == "debited"


@pytest.mark.parametrize(("late", "reason"), [(-1, "settled"), (0, "late")])
async def test_settled_charge_is_forgotten_by_the_moment_of_its_last_change(
    story: Story, late: int, reason: str
) -> None:
    await story.open(credit=100)
    await story.submit(40, lasts=9 * DAY)
    story.now = (START // SLOT + 9) * SLOT + 17
    await story.outcome("sent")
    story.now = (START // SLOT + 10) * SLOT + WINDOW + late

    entry = await story.outcome("delivered", price=7)

    assert entry["reason"] == reason


async def test_held_charge_is_never_forgotten(story: Story) -> None:
    await story.open(credit=100)
    await story.submit(40, lasts=90 * DAY)
    story.wait(80 * DAY)

    entry = await story.outcome("sent")

    assert told(entry, "kind", "amount") == ("committed", -40)


@pytest.mark.requirement("IU-22")
async def test_top_up_delivered_twice_is_credited_once(story: Story) -> None:
    await story.open(credit=0)
    first = await story.top_up(100)

    again = await story.repeat()

    assert told(first, "kind", "amount", "after") == (
        "topped_up", 100, {"available": 100, "held": 0, "overdrawn": 0},
    )  # fmt: skip
    assert told(again, "kind", "reason", "amount", "duplicate_of") == ("duplicate", None, 0, first["seq"])


async def test_repeat_of_a_refused_command_is_refused_alike(story: Story) -> None:
    first = await story.top_up(100)
    await story.open(credit=0)

    again = await story.do(story.told[0])

    assert told(again, "kind", "reason", "duplicate_of") == ("duplicate", "unknown_customer", first["seq"])


async def test_same_command_id_of_another_customer_is_another_command(story: Story) -> None:
    await story.open(credit=0)
    await story.command(TopUp, id="same", amount=5)

    entry = await story.command(TopUp, id="same", amount=5, customer="bob")

    assert told(entry, "kind", "reason") == ("refused", "unknown_customer")


@pytest.mark.parametrize(("late", "kind"), [(-1, "duplicate"), (0, "topped_up")])
async def test_command_is_forgotten_after_exactly_seven_days(story: Story, late: int, kind: str) -> None:
    await story.open(credit=0)
    await story.command(TopUp, id="same", amount=5)
    story.wait(7 * DAY + late)

    entry = await story.command(TopUp, id="same", amount=5)

    assert entry["kind"] == kind


async def test_command_is_forgotten_on_time_even_behind_many_timers(story: Story) -> None:
    await story.open(credit=100)
    await story.command(TopUp, id="same", amount=5)
    for n in range(20):
        await story.submit(1, charge=f"m{n}", lasts=DAY)
    story.wait(7 * DAY)

    entry = await story.command(TopUp, id="same", amount=5)

    assert entry["kind"] == "topped_up"


async def test_usage_event_and_command_of_one_id_are_two_inputs(story: Story) -> None:
    await story.open(credit=100)
    await story.command(TopUp, id="same", amount=5)

    entry = await story.submit(1, id="same")

    assert entry["kind"] == "reserved"
