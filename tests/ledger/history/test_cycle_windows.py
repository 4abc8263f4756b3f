"""Limits by the cycle, fees by the cycle and the cycle itself agree, whatever plans a customer had. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Entry, Story
from tests.ledger.history.test_cycles import at, begin, lines
from tests.ledger_model.inputs import PutLimit, SetPlan
from tests.ledger_model.number_inputs import AddNumber


async def limited(story: Story, plan: str) -> None:
    """A customer on that plan, with credit and a limit of 10 a cycle."""
    await begin(story, plan)
    await story.top_up(1000)
    await story.command(PutLimit, level="customer", name="anna", window="cycle", cap=10)


async def spend(story: Story, price: int) -> Entry:
    """Spend at once; the entry."""
    return await story.submit(price, charge_on="submit", charge=f"c{len(story.told)}")


def window(entry: Entry) -> tuple[int, int, int]:
    """Of the limit after an entry: since when and until when it counts, and what is used."""
    (limit,) = entry["states"]
    return limit["starts_at_ms"], limit["ends_at_ms"], limit["used_micros"]


async def test_from_monthly_to_yearly_at_the_end_of_the_month_the_next_window_is_the_year(story: Story) -> None:
    await limited(story, "monthly")
    await spend(story, 4)
    await story.command(SetPlan, plan="yearly")
    first = await spend(story, 4)
    story.now = at(2026, 10, 22)
    await story.tick()
    second = await spend(story, 7)

    assert window(first) == (story.told[0].at, at(2026, 10, 21), 8)
    assert window(second) == (at(2026, 10, 21), at(2027, 10, 21), 7)


@pytest.mark.parametrize("plan", ["replace", "prorate"])
async def test_from_yearly_to_monthly_at_once_the_window_of_the_year_is_over(story: Story, plan: str) -> None:
    await limited(story, "yearly")
    await spend(story, 9)
    story.now = at(2026, 12, 24)
    await story.command(SetPlan, plan=plan)
    await story.tick()

    assert window(await spend(story, 3)) == (at(2026, 12, 21), at(2027, 1, 21), 3)


async def test_from_monthly_to_yearly_at_once_the_window_of_the_month_goes_on_as_that_of_the_year(story: Story) -> None:
    await limited(story, "monthly")
    story.now = at(2026, 10, 23)
    await story.tick()
    await spend(story, 6)
    await story.command(SetPlan, plan="yearly at once")
    await story.tick()

    assert window(await spend(story, 4)) == (at(2026, 10, 21), at(2027, 10, 21), 10)
    assert (await spend(story, 1))["reason"] == "limit_reached"


async def test_fee_by_the_cycle_falls_due_where_the_changed_cycle_begins(story: Story) -> None:
    await begin(story)
    await story.command(AddNumber, number="+18005550100", type="toll_free")
    story.now = at(2026, 10, 23)
    await story.tick()
    await story.command(SetPlan, plan="yearly at once")
    story.now = at(2027, 10, 21)
    year = await story.tick()

    assert lines(year)[-2:] == [("granted", 1300), ("number_fee", -80)]
    assert [kind for kind, _ in lines(year)].count("number_fee") == 1
    assert {entry["due_at"] for entry in year[-2:]} == {at(2027, 10, 21)}


async def test_limit_that_carries_counts_each_cycle_that_went_by_once(story: Story) -> None:
    await begin(story)
    await story.top_up(1000)
    await story.command(PutLimit, level="customer", name="anna", window="cycle", cap=10, carry=True)
    await spend(story, 4)
    await story.command(SetPlan, plan="yearly")
    story.now = at(2028, 11, 1)
    await story.tick()

    # 6 of the month, 10 of each of the two years before this one, and its own 10.
    assert window(await spend(story, 1)) == (at(2028, 10, 21), at(2029, 10, 21), 4 - 30 + 1)
