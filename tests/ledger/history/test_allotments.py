"""Allotments: what can be assigned, by the month and in all, and why not. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, told
from tests.ledger.history.user_story import assign, can, line, open_with, pass_month, put, send
from tests.ledger_model.inputs import SetPlan
from tests.ledger_model.number_inputs import AddNumber
from tests.ledger_model.user_inputs import CloseUser


@pytest.mark.requirement("PL-45")
async def test_ceiling_is_plan_less_reserve_and_what_others_have(story: Story) -> None:
    await open_with(story, "users, reserve", alice=25)

    bob = await put(story, "bob")
    most = await put(story, "bob", per_month=60)
    above = await assign(story, "bob", per_month=61)
    alice = await assign(story, "alice", per_month=20)

    assert can(bob) == (60, 60)
    assert told(most, "kind") == ("assigned",)
    assert told(above, "kind", "reason") == ("refused", "exceeds_max")
    assert line(above, "field") == "per_month"
    assert can(alice) == (25, 25)
    assert told(await assign(story, "bob", per_month=65), "kind") == ("assigned",)


@pytest.mark.requirement("PL-45")
@pytest.mark.requirement("PL-59")
async def test_number_lowers_what_can_be_assigned_by_what_it_costs(story: Story) -> None:
    await open_with(story, "users, numbers", alice=100)
    before = await assign(story, "alice", add=0)

    await story.command(AddNumber, number="+15550001", type="")
    after = await assign(story, "alice", add=0)
    above = await put(story, "bob", per_month=401)

    assert can(before)[0] == 1_000
    assert can(after)[0] == 500
    assert told(above, "reason") == ("exceeds_max",)
    assert can(above)[0] == 400


@pytest.mark.requirement("PL-45")
@pytest.mark.requirement("C-29")
async def test_total_is_capped_by_the_plan_or_by_the_company_total(story: Story) -> None:
    await open_with(story, alice=60)
    await story.top_up(1_000)
    by_plan = await put(story, "bob", total=41)

    story.now += 1
    await story.command(SetPlan, plan="users, company")
    by_company = await put(story, "bob", total=41)
    most = await assign(story, "bob", total=1_040)
    above = await assign(story, "bob", total=1_041)
    per_month = await assign(story, "bob", per_month=41)

    assert told(by_plan, "reason") == ("exceeds_max",)
    assert line(by_plan, "field") == "total"
    assert can(by_plan) == (40, 40)
    assert told(by_company, "kind") == ("assigned",)
    assert told(most, "kind") == ("assigned",)
    assert told(above, "reason") == ("exceeds_max",)
    assert can(above) == (40, 1_040), "the cap by the month always follows the plan"
    assert told(per_month, "reason") == ("exceeds_max",)


@pytest.mark.requirement("PL-45")
async def test_value_beyond_the_companys_unused_credit_is_never_possible(story: Story) -> None:
    await open_with(story)
    await send(story, "olga", 70)

    above = await put(story, "alice", per_month=31)

    assert told(above, "reason") == ("exceeds_max",)
    assert can(above) == (30, 30)
    assert told(await put(story, "alice", total=30), "kind") == ("assigned",)


@pytest.mark.requirement("PL-46")
@pytest.mark.requirement("C-06")
async def test_worked_example_of_120266_and_5244(story: Story) -> None:
    await open_with(story, "users, example", others=256)
    await story.top_up(114_266)

    fine = [await put(story, "alice", per_month=amount) for amount in (1_202, 5_244)]
    above = [await assign(story, "alice", per_month=amount) for amount in (5_245, 12_026)]

    assert [told(entry, "kind") for entry in fine] == [("assigned",)] * 2
    for entry in above:
        assert told(entry, "kind", "reason") == ("refused", "exceeds_max")
        assert line(entry, "field") == "per_month"
        assert entry["allotment"]["assignable"]["max_per_month"] == 5_244
        assert entry["allotment"]["assignable"]["company_total"] == 120_266


@pytest.mark.requirement("PL-47")
async def test_reserve_lowers_what_can_be_assigned_and_a_smaller_plan_that_does_not_cover_it_is_told(
    story: Story,
) -> None:
    await open_with(story, alice=60)
    reserve = await story.command(SetPlan, plan="users, reserve")
    smaller = await story.command(SetPlan, plan="users, small")
    lower = await assign(story, "alice", per_month=45)

    assert reserve["allotment"]["assignable"] == {
        "company_total": 100,
        "max_per_month": 25,
        "max_total": 25,
        "over_assigned": 0,
    }
    assert told(smaller, "kind", "reason") == ("settings_changed", None), "reported, not refused"
    assert smaller["allotment"]["assignable"]["over_assigned"] == 10
    assert lower["allotment"]["assignable"]["over_assigned"] == 0


@pytest.mark.requirement("PL-48")
async def test_too_much_and_nothing_left_are_two_refusals(story: Story) -> None:
    await open_with(story, alice=90)

    too_much = await put(story, "bob", per_month=11)
    await put(story, "bob", per_month=10)
    nothing = await put(story, "carol", per_month=1)

    assert told(too_much, "reason") == ("exceeds_max",)
    assert can(too_much) == (10, 10)
    assert told(nothing, "reason") == ("all_assigned",)
    assert can(nothing) == (0, 0)


@pytest.mark.requirement("PL-49")
async def test_lowering_one_frees_credit_for_another(story: Story) -> None:
    await open_with(story, alice=100)
    before = await put(story, "bob", per_month=60)

    lowered = await assign(story, "alice", per_month=40)
    after = await put(story, "bob", per_month=60)

    assert told(before, "reason") == ("all_assigned",)
    assert line(lowered, "change", "per_month", "total") == (-60, 40, 40)
    assert line(after, "change", "per_month", "total") == (60, 60, 60)


@pytest.mark.requirement("PL-50")
async def test_total_raised_by_what_the_month_was_lowered_by_spends_as_before_until_the_next_month(
    story: Story,
) -> None:
    await open_with(story, alice=100)

    await assign(story, "alice", per_month=40)
    buffered = await assign(story, "alice", add=60)
    sent = await send(story, "alice", 100)
    (added,) = await pass_month(story, 1)

    assert line(buffered, "per_month", "total") == (40, 100)
    assert sent["decision"] == "allowed"
    assert line(added, "change", "total") == (40, 40)


async def test_lowering_the_month_takes_no_more_than_is_left(story: Story) -> None:
    await open_with(story, alice=100)
    await send(story, "alice", 90)

    lowered = await assign(story, "alice", per_month=20)

    assert line(lowered, "change", "total", "per_month") == (-10, 0, 20)
    assert told(await assign(story, "alice", add=-1), "reason") == ("amount_out_of_range",)


@pytest.mark.requirement("PL-54")
async def test_every_line_of_a_total_carries_the_running_subtotal(story: Story) -> None:
    await story.open("users, company", credit=1_000)
    lines = [
        await put(story, "alice", total=300),
        await assign(story, "alice", add=-111),
        await put(story, "alice", total=200),
    ]
    await send(story, "alice", 50)
    lines.append(await story.command(CloseUser, user="alice"))

    assert [line(entry, "change", "subtotal") for entry in lines] == [(300, 300), (-111, 189), (11, 200), (-150, 50)]


async def test_users_are_refused_where_there_are_too_many_or_amounts_leave_the_range(story: Story) -> None:
    await story.open("users, company", credit=2**53 - 200)

    most = await put(story, "alice", total=2**53 - 300)
    (added,) = (await assign(story, "alice", add=2**53 - 1),)

    assert told(most, "kind") == ("assigned",)
    assert told(added, "reason") == ("exceeds_max",)


async def test_repeat_of_a_refused_assignment_is_answered_with_it(story: Story) -> None:
    await open_with(story, alice=90)
    refused = await put(story, "bob", per_month=11)

    repeated = await story.repeat()

    assert told(repeated, "kind", "reason", "duplicate_of") == ("duplicate", "exceeds_max", refused["seq"])
