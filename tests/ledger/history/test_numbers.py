"""Phone numbers and their fees, on both buckets. Cycles begin at the anniversaries of START, 2026-09-21 in UTC."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, told
from tests.ledger.history.test_cycles import at, begin, lines
from tests.ledger_model.inputs import CancelPlan, SetPlan
from tests.ledger_model.number_inputs import AddNumber, RemoveNumber

NUMBER, FREE, SHORT = "+12015550100", "+18005550100", "+12015550199"


@pytest.mark.requirement("PL-59")
async def test_number_is_charged_at_the_beginning_of_each_cycle_once(story: Story) -> None:
    await begin(story)
    added = await story.command(AddNumber, number=NUMBER)
    same_day = await story.tick()
    story.now = at(2026, 11, 21)

    boundaries = await story.tick()

    assert told(added, "kind", "amount") == ("settings_changed", 0)
    assert same_day == []
    first = [("expired", -100), ("granted", 100), ("number_fee", -50)]
    assert lines(boundaries) == [*first, ("expired", -50), ("granted", 100), ("number_fee", -50)]
    assert [entry["due_at"] for entry in boundaries if entry["kind"] == "number_fee"] == [
        at(2026, 10, 21),
        at(2026, 11, 21),
    ]
    assert await story.tick() == []


async def test_type_chooses_the_rate_and_one_of_nothing_makes_no_entry(story: Story) -> None:
    await begin(story)
    await story.command(AddNumber, number=NUMBER)
    await story.command(AddNumber, number=FREE, type="toll_free")
    await story.command(AddNumber, number=SHORT, type="short_code")
    story.now = at(2026, 10, 21)

    fees = [line for line in lines(await story.tick()) if line[0] == "number_fee"]

    assert fees == [("number_fee", -50), ("number_fee", -60)]
    assert story.available == -10


async def test_number_without_a_rate_twice_or_not_there_is_refused(story: Story) -> None:
    await begin(story)
    await story.command(AddNumber, number=NUMBER)

    unrated = await story.command(AddNumber, number=FREE, type="satellite")
    again = await story.command(AddNumber, number=NUMBER, type="toll_free")
    unknown = await story.command(RemoveNumber, number=FREE)

    assert [told(entry, "kind", "reason") for entry in (unrated, again, unknown)] == [
        ("refused", "unrated"),
        ("refused", "already"),
        ("refused", "unknown_number"),
    ]


async def test_number_that_is_removed_costs_nothing_any_more(story: Story) -> None:
    await begin(story)
    await story.command(AddNumber, number=NUMBER)
    await story.command(RemoveNumber, number=NUMBER)
    story.now = at(2026, 10, 21)

    assert lines(await story.tick()) == [("expired", -100), ("granted", 100)]


async def test_another_plan_charges_its_own_rates_in_its_own_months(story: Story) -> None:
    await begin(story)
    await story.command(AddNumber, number=NUMBER)
    await story.command(AddNumber, number=FREE, type="toll_free")
    await story.command(AddNumber, number=SHORT, type="short_code")
    await story.command(SetPlan, plan="yearly")
    story.now = at(2026, 10, 21)
    month = await story.tick()
    story.now = at(2027, 9, 21)

    year = [entry for entry in await story.tick() if entry["kind"] == "number_fee"]

    assert lines(month) == [("expired", -100), ("granted", 1200), ("number_fee", -30), ("number_fee", -90)]
    assert [entry["amount"] for entry in year] == [-30] * 11, "the second year begins a month later"


async def test_cancelled_plan_charges_no_numbers_until_another_comes(story: Story) -> None:
    await begin(story)
    await story.command(AddNumber, number=NUMBER)
    await story.command(CancelPlan)
    story.now = at(2026, 10, 21)
    without = await story.tick()

    await story.command(SetPlan, plan="monthly")
    await story.tick()
    story.now = at(2026, 11, 21)

    assert lines(without) == [("expired", -100)]
    assert ("number_fee", -50) in lines(await story.tick())


async def test_customer_has_at_most_256_numbers(story: Story) -> None:
    await begin(story)
    for number in range(256):
        await story.command(AddNumber, number=f"+1201{number:07}", type="short_code")

    assert told(await story.command(AddNumber, number=NUMBER), "kind", "reason") == ("refused", "too_many")
