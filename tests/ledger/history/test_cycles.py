"""Cycles, options, plans and spam, on both buckets. Boundaries are at the anniversaries of START, 2026-09-21 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.ledger.history.story import DAY, Entry, Story, told
from tests.ledger_model.inputs import CancelPlan, OpenCustomer, SetOptions, SetPlan
from tests.ledger_model.spam_inputs import MarkSpam, UnmarkSpam


def at(year: int, month: int, day: int) -> int:
    """A moment at midnight, UTC."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)


def lines(entries: list[Entry]) -> list[tuple[str, int]]:
    """Kind and amount of each entry."""
    return [(entry["kind"], entry["amount"]) for entry in entries]


async def begin(story: Story, plan: str = "monthly", **fields: object) -> list[Entry]:
    """Open the customer; return the first grant."""
    await story.command(OpenCustomer, plan=plan, **fields)
    return await story.tick()


@pytest.mark.requirement("PL-04")
@pytest.mark.parametrize(
    ("plan", "amount", "ends"), [("monthly", 100, at(2026, 10, 21)), ("yearly", 1200, at(2027, 9, 21))]
)
async def test_plan_grants_at_the_beginning_of_each_cycle(story: Story, plan: str, amount: int, ends: int) -> None:
    first = await begin(story, plan)
    story.now = ends

    second = await story.tick()

    assert [entry["kind"] for entry in (*first, *second)] == ["granted", "expired", "granted"]
    (lot,) = first[0]["lots"].values()
    assert (lot["kind"], lot["amount"], lot["expires_at"]) == ("nro", amount, ends)
    assert second[-1]["after"]["available"] == amount


@pytest.mark.requirement("PL-05")
async def test_what_is_left_of_a_month_lapses_before_the_next_grant(story: Story) -> None:
    await begin(story)
    await story.top_up(7)
    await story.submit(70)
    await story.outcome("sent")
    story.now = at(2026, 10, 21)

    assert lines(await story.tick()) == [("expired", -30), ("granted", 100)]
    assert story.available == 107


@pytest.mark.requirement("PL-05")
async def test_yearly_plan_shows_no_expiry_after_one_month(story: Story) -> None:
    await begin(story, "yearly")
    story.now = at(2026, 11, 1)

    assert await story.tick() == []


@pytest.mark.requirement("PL-05")
async def test_hold_from_before_the_boundary_settles_against_its_lot_and_its_release_lapses(story: Story) -> None:
    await begin(story)
    await story.submit(60, lasts=60 * DAY, charge="pays")
    await story.submit(40, lasts=60 * DAY, charge="fails")
    story.now = at(2026, 10, 21)
    boundary = await story.tick()

    paid = await story.outcome("sent", charge="pays")
    await story.outcome("failed", charge="fails")
    (lapsed,) = await story.tick()

    assert lines(boundary) == [("granted", 100)]
    assert list(paid["lots"]) == ["0-2"]
    assert told(lapsed, "kind", "reason", "amount") == ("expired", "lot", -40)
    assert story.available == 100


@pytest.mark.requirement("PL-06")
@pytest.mark.requirement("PL-07")
async def test_bought_credit_never_lapses(story: Story) -> None:
    await begin(story)
    bought = await story.top_up(200)
    story.now += 3653 * DAY
    effects = await story.tick()

    (lot,) = bought["lots"].values()
    assert (lot["kind"], lot["expires_at"]) == ("fro", None)
    assert all(bought["id"] not in entry["lots"] for entry in effects)
    assert story.available == 300


@pytest.mark.requirement("PL-05")
async def test_boundaries_missed_are_made_up_one_by_one_in_order(story: Story) -> None:
    await begin(story)
    story.now = at(2026, 12, 25)

    effects = await story.tick()

    assert lines(effects) == [("expired", -100), ("granted", 100)] * 3
    assert [entry["due_at"] for entry in effects[1::2]] == [at(2026, 10, 21), at(2026, 11, 21), at(2026, 12, 21)]
    assert await story.tick() == []


@pytest.mark.requirement("PL-05")
async def test_cycle_begins_at_local_midnight_whatever_the_clocks_do(story: Story) -> None:
    await begin(story, time_zone="Europe/Madrid")
    story.now = at(2026, 11, 30)

    effects = await story.tick()

    hour = 3_600_000
    assert [entry["due_at"] for entry in effects[1::2]] == [at(2026, 10, 21) - 2 * hour, at(2026, 11, 21) - hour]


@pytest.mark.requirement("PL-10")
async def test_granted_credit_is_used_before_bought_credit_and_a_charge_may_straddle(story: Story) -> None:
    await begin(story)
    bought = await story.top_up(10)
    await story.submit(97, charge="first", charge_on="submit")

    entry = await story.submit(5, charge="second", charge_on="submit")

    assert {lot: change["remaining"] for lot, change in entry["lots"].items()} == {"0-2": 0, bought["id"]: 8}


@pytest.mark.requirement("INF-11")
async def test_within_a_kind_the_lot_that_lapses_soonest_is_used_first(story: Story) -> None:
    await story.open(credit=0)
    late = await story.top_up(10, lot_kind="nro", expires_at=story.now + 2 * DAY)
    soon = await story.top_up(10, lot_kind="nro", expires_at=story.now + DAY)

    entry = await story.submit(12, charge_on="submit")

    assert {lot: change["remaining"] for lot, change in entry["lots"].items()} == {soon["id"]: 0, late["id"]: 8}


@pytest.mark.requirement("PL-08")
@pytest.mark.requirement("C-18")
async def test_cancelled_plan_leaves_bought_credit_dormant_until_another_plan_comes(story: Story) -> None:
    await begin(story)
    await story.top_up(200)
    cancelled = await story.command(CancelPlan)
    again = await story.command(CancelPlan)
    denied = await story.submit(1)
    story.now = at(2026, 12, 1)
    lapsed = await story.tick()

    returned = await story.command(SetPlan, plan="yearly")
    await story.tick()
    allowed = await story.submit(1, charge="y")

    assert told(cancelled, "kind", "amount") == ("plan_cancelled", 0)
    assert [(block["id"], block["reason"]) for block in cancelled["blocks"]] == [("anna", "no_plan")]
    assert told(again, "kind", "reason") == ("refused", "already")
    assert told(denied, "decision", "reason") == ("denied", "no_plan")
    assert lines(lapsed) == [("expired", -100)]
    assert [(block["blocked"], block["changed"]) for block in returned["blocks"]] == [(False, True)]
    assert allowed["decision"] == "allowed"
    assert story.available == 200 + 1200 - 1


@pytest.mark.requirement("C-18")
async def test_credit_can_be_spent_without_a_plan_where_the_policy_says_so(story: Story) -> None:
    await begin(story, "spendable")
    await story.command(CancelPlan)

    assert (await story.submit(1))["decision"] == "allowed"


@pytest.mark.requirement("PL-09")
async def test_spam_forfeits_all_credit_and_can_be_reversed(story: Story) -> None:
    await begin(story)
    await story.top_up(200)
    marked = await story.command(MarkSpam)
    denied = await story.submit(1)
    story.now = at(2026, 10, 21)
    await story.tick()
    await story.command(UnmarkSpam)
    (lapsed,) = await story.tick()

    assert told(marked, "kind", "reason", "amount", "after.available") == ("forfeited", "spam", -300, 0)
    assert [block["reason"] for block in marked["blocks"]] == ["spam"]
    assert told(denied, "decision", "reason") == ("denied", "spam")
    assert told(lapsed, "kind", "amount") == ("expired", -100)
    assert story.available == 300


@pytest.mark.requirement("PL-11")
@pytest.mark.parametrize(
    ("plan", "effects", "left"),
    [
        ("yearly", [], 100),
        ("replace", [("expired", -100), ("granted", 300)], 300),
        ("prorate", [("expired", -100), ("granted", 500)], 500),
    ],
)
async def test_plan_changes_at_any_time_and_bought_credit_stays(
    story: Story, plan: str, effects: list[tuple[str, int]], left: int
) -> None:
    await begin(story)
    bought = await story.top_up(7)
    half = (at(2026, 10, 21) - story.now) // 2000 * 1000
    # The cycle ends at midnight, so that its half is a matter of the moment at which it began.
    story.wait(half)

    await story.command(SetPlan, plan=plan)
    made = await story.tick()

    if plan == "prorate":
        assert [kind for kind, _ in lines(made)] == ["expired", "granted"]
        assert 499 <= made[1]["amount"] <= 500
        left = made[1]["amount"]
    else:
        assert lines(made) == effects
    assert story.available == left + 7
    assert all(bought["id"] not in entry["lots"] for entry in made)


@pytest.mark.requirement("PL-12")
async def test_rollover_protection_keeps_what_is_held_and_what_is_granted(story: Story) -> None:
    await begin(story)
    await story.submit(70, charge_on="submit")
    await story.command(SetOptions, rop=True)
    story.now = at(2026, 10, 21)

    assert lines(await story.tick()) == [("granted", 100)]
    assert story.available == 130


@pytest.mark.requirement("C-19")
@pytest.mark.parametrize(
    ("plan", "effects"), [("later", [("expired", -100), ("granted", 100)]), ("monthly", [("granted", 100)])]
)
async def test_scope_of_rollover_protection_is_the_plans(
    story: Story, plan: str, effects: list[tuple[str, int]]
) -> None:
    await begin(story, plan)
    await story.command(SetOptions, rop=True)
    story.now = at(2026, 10, 21)

    assert lines(await story.tick()) == effects


@pytest.mark.requirement("C-19")
@pytest.mark.parametrize(
    ("plan", "effects"), [("resumes", [("expired", -100), ("granted", 100)]), ("monthly", [("granted", 100)])]
)
async def test_end_of_rollover_protection_is_the_plans(story: Story, plan: str, effects: list[tuple[str, int]]) -> None:
    await begin(story, plan)
    await story.command(SetOptions, rop=True)
    await story.command(SetOptions, rop=False)
    story.now = at(2026, 10, 21)

    assert lines(await story.tick()) == effects


@pytest.mark.requirement("PL-22")
async def test_fees_of_equipment_fall_due_after_the_grant_in_their_own_unit(story: Story) -> None:
    await begin(story)
    await story.command(SetOptions, equipment=("euro", "code"))
    story.now = at(2026, 10, 21)
    month = await story.tick()
    await story.command(SetOptions, equipment=())
    story.now = at(2026, 11, 21)

    assert lines(month) == [("expired", -100), ("granted", 100), ("recurring_fee", -5), ("recurring_fee", 0)]
    assert lines(await story.tick()) == [("expired", -95), ("granted", 100)]


@pytest.mark.requirement("INF-12")
async def test_notice_comes_once_before_a_lot_lapses_and_not_for_one_used_up(story: Story) -> None:
    await begin(story, "notices")
    story.now = at(2026, 10, 14)
    (notice,) = await story.tick()
    story.now = at(2026, 10, 21)
    await story.tick()
    await story.submit(100, charge_on="submit")
    story.now = at(2026, 11, 14)

    assert told(notice, "kind", "amount") == ("expiring", 0)
    assert [(alert["type"], alert["level"]) for alert in notice["alerts"]] == [("lot.expiring", 100)]
    assert await story.tick() == []
