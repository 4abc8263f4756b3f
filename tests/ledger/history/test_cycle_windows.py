"""Limits by the cycle, fees by the cycle and the cycle itself agree, whatever plans a customer had. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import DAY, Entry, Story
from tests.ledger.history.test_cycles import at, begin, lines
from tests.ledger_model.inputs import PutLimit, SetOptions, SetPlan
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


async def carrying(story: Story, plan: str, window: str = "cycle") -> None:
    """A customer on that plan, with credit and a limit of 10 that carries."""
    await begin(story, plan)
    await story.top_up(1000)
    await story.command(PutLimit, level="customer", name="anna", window=window, cap=10, carry=True)


async def test_limit_that_carries_counts_the_months_of_silence_before_the_plan_became_yearly(story: Story) -> None:
    await carrying(story, "monthly")
    await spend(story, 4)
    story.now = at(2027, 3, 5)
    await story.tick()
    await story.command(SetPlan, plan="yearly")
    story.now = at(2027, 4, 1)
    await story.tick()

    # Six months were lived through, from September's to February's; then the year began.
    assert window(await spend(story, 1)) == (at(2027, 3, 21), at(2028, 3, 21), 4 - 60 + 1)


async def test_limit_that_carries_counts_years_and_months_through_three_plans_and_an_end(story: Story) -> None:
    await carrying(story, "monthly")
    for day, command in (((2026, 12, 1), SetPlan), ((2028, 2, 1), SetPlan)):
        story.now = at(*day)
        await story.tick()
        await story.command(command, plan="yearly" if day[0] == 2026 else "monthly")
    story.now = at(2029, 3, 1)
    await story.tick()

    # Three months of 2026, the years from December 2026 and December 2027, and two months from December 2028.
    assert window(await spend(story, 1)) == (at(2029, 2, 21), at(2029, 3, 21), -70 + 1)


async def test_limit_that_carries_counts_no_cycle_more_because_the_time_zone_moved_west(story: Story) -> None:
    await carrying(story, "monthly")
    await spend(story, 4)
    story.now = at(2027, 1, 1)
    await story.tick()
    await story.command(SetOptions, time_zone="America/New_York")

    assert window(await spend(story, 1)) == (at(2026, 12, 21), at(2027, 1, 21), 4 - 30 + 1)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
async def test_limit_that_carries_counts_days_between_and_not_the_hours_of_a_change_of_zone(
    story: Story, zone: str
) -> None:
    await carrying(story, "monthly", "day")
    await spend(story, 4)
    story.wait(5 * DAY)
    await story.tick()
    await story.command(SetOptions, time_zone=zone)

    assert window(await spend(story, 1))[2] == 4 - 50 + 1


async def test_cycle_that_begins_anew_in_another_time_zone_goes_on_in_its_window(story: Story) -> None:
    await limited(story, "monthly")
    await spend(story, 6)
    story.now = at(2026, 10, 22)
    await story.tick()
    await spend(story, 6)
    await story.command(SetOptions, time_zone="America/New_York")
    await story.command(SetPlan, plan="replace")
    await story.tick()

    assert window(await spend(story, 1))[2] == 7
