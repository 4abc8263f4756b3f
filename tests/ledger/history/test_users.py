"""Users: roles, the end of one, blocks while an allotment is spent, thresholds. On both buckets."""

from __future__ import annotations

import pytest

from tests.ledger.history.story import Story, alerts, block_events, told
from tests.ledger.history.user_story import MONTHS, SHARED, assign, can, line, open_with, pass_month, put, send
from tests.ledger_model.inputs import PutWallet, SetAlert
from tests.ledger_model.user_inputs import CloseUser


@pytest.mark.requirement("PL-40")
async def test_nothing_left_to_assign_keeps_out_a_user_with_an_allotment_and_no_admin(story: Story) -> None:
    await open_with(story, alice=100)

    refused = await put(story, "bob", per_month=1)
    admins = [await put(story, role, role=role) for role in SHARED]

    assert told(refused, "kind", "reason") == ("refused", "all_assigned")
    assert [told(entry, "kind", "reason") for entry in admins] == [("assigned", None)] * 3
    assert told(await put(story, "carol"), "kind") == ("assigned",), "a user without an amount takes no capacity"


@pytest.mark.requirement("PL-41")
@pytest.mark.parametrize("role", SHARED)
async def test_shared_role_has_no_allotment_and_spends_the_whole_pool(story: Story, role: str) -> None:
    await open_with(story)

    added = await put(story, "olga", role=role)
    sent = await send(story, "olga", 100)

    assert line(added, "total", "per_month") == (None, None)
    assert told(sent, "decision", "after.available") == ("allowed", 0)
    assert sent["states"] == []


@pytest.mark.requirement("PL-51")
@pytest.mark.parametrize("role", SHARED)
async def test_allotment_of_a_shared_role_cannot_be_set(story: Story, role: str) -> None:
    await open_with(story)
    await put(story, "olga", role=role)

    refused = [
        await assign(story, "olga", per_month=1),
        await assign(story, "olga", add=1),
        await put(story, "olga", total=1),
        await put(story, "new", role=role, per_month=1),
    ]

    assert {told(entry, "kind", "reason") for entry in refused} == {("refused", "shared_role")}
    assert told(await assign(story, "nobody", per_month=1), "reason") == ("unknown_user",)


@pytest.mark.requirement("PL-56")
@pytest.mark.requirement("C-17")
async def test_deleted_users_total_can_be_assigned_again_and_moves_no_lot(story: Story) -> None:
    await open_with(story, alice=100)
    await send(story, "alice", 30)

    gone = await story.command(CloseUser, user="alice")
    spent = await send(story, "olga", 70)

    assert told(gone, "kind", "amount", "lots") == ("user_deleted_return", 0, {})
    assert line(gone, "user", "change", "total") == ("alice", -70, None)
    assert gone["before"] == gone["after"]
    assert can(gone) == (70, 70), "100 of the plan, of which 70 are in the pool"
    assert spent["decision"] == "allowed"
    assert told(await story.command(CloseUser, user="alice"), "reason") == ("unknown_user",)
    assert (await pass_month(story, 1)) == []


@pytest.mark.requirement("PL-56")
@pytest.mark.requirement("C-17")
@pytest.mark.parametrize(("plan", "expected"), [("users", "user_deleted_return"), ("users, refuse", "refused")])
async def test_user_who_spent_too_much_is_written_off_or_stays(story: Story, plan: str, expected: str) -> None:
    await open_with(story, plan, alice=10)
    await story.record(12, user="alice")

    gone = await story.command(CloseUser, user="alice")

    assert told(gone, "kind", "reason") == (expected, "total_negative" if expected == "refused" else None)
    if expected != "refused":
        assert line(gone, "change", "subtotal") == (2, 12)
        assert block_events(gone) == [("user", "alice", False)]


async def test_user_who_becomes_an_admin_gives_back_what_was_assigned(story: Story) -> None:
    await open_with(story, alice=100)

    admin = await put(story, "alice", role="admin")
    again = await put(story, "alice", role="user", per_month=10)

    assert line(admin, "change", "total", "per_month") == (-100, None, None)
    assert can(admin) == (100, 100)
    assert line(again, "change", "subtotal", "total") == (10, 10, 10)


@pytest.mark.requirement("PL-58")
async def test_blocked_user_is_free_again_when_the_shortfall_is_repaid_and_something_is_there(story: Story) -> None:
    await open_with(story, alice=10)
    over = await story.record(12, user="alice", sender="shared-number")
    denied = await send(story, "alice", 1)

    one = await assign(story, "alice", add=1)
    still = await send(story, "alice", 1)
    four = await assign(story, "alice", add=4)
    sent = await send(story, "alice", 3)

    assert told(over, "kind", "reason") == ("debited", "limit_reached")
    assert block_events(over) == [("user", "alice", True)]
    assert told(denied, "decision", "reason") == ("denied", "limit_reached")
    assert line(one, "total") == -1
    assert block_events(one) == []
    assert told(still, "decision") == ("denied",)
    assert line(four, "total") == 3
    assert block_events(four) == [("user", "alice", False)]
    assert told(sent, "decision") == ("allowed",)


@pytest.mark.requirement("PL-58")
async def test_raise_of_five_from_two_below_gives_three_and_unblocks(story: Story) -> None:
    await open_with(story, alice=10)
    await story.record(12, user="alice")

    raised = await assign(story, "alice", add=5)

    assert line(raised, "total") == 3
    assert block_events(raised) == [("user", "alice", False)]


@pytest.mark.requirement("PL-58")
async def test_total_below_zero_is_set_to_nothing_though_nothing_can_be_assigned(story: Story) -> None:
    """Found by a random history: the greatest total is never less than 0, and 0 is not beyond it."""
    await open_with(story, alice=100)
    await story.record(163, user="alice")

    raised = await assign(story, "alice", total=1)
    cleared = await assign(story, "alice", total=0)

    assert told(raised, "kind", "reason") == ("refused", "all_assigned")
    assert told(cleared, "kind") == ("assigned",)
    assert line(cleared, "total") == 0
    assert can(cleared)[1] == 0


@pytest.mark.requirement("PL-58")
@pytest.mark.parametrize(("plan", "change", "is_free"), [("users", 20, True), ("users, next", 0, False)])
async def test_raised_amount_by_the_month_comes_at_once_or_with_the_next(
    story: Story, plan: str, change: int, *, is_free: bool
) -> None:
    await open_with(story, plan, alice=10)
    await send(story, "alice", 10)
    denied = await send(story, "alice", 1)

    raised = await assign(story, "alice", per_month=30)
    story.now = MONTHS[1]
    await story.tick()

    assert block_events(denied) == [("user", "alice", True)]
    assert line(raised, "change") == change
    assert block_events(raised) == ([("user", "alice", False)] if is_free else [])
    assert told(await send(story, "alice", 30), "decision") == ("allowed",)


@pytest.mark.requirement("PL-57")
@pytest.mark.requirement("PL-58")
async def test_scheduled_messages_take_a_total_below_zero_until_the_flag_and_no_further(story: Story) -> None:
    await open_with(story, "users, flag", alice=3)

    sent = [await send(story, "alice", 1, scheduled=True) for _ in range(10)]
    fresh = await send(story, "alice", 1)

    assert [entry["decision"] for entry in sent] == ["allowed"] * 5 + ["denied"] * 5
    assert block_events(sent[5]) == [("user", "alice", True)]
    assert told(fresh, "decision") == ("denied",)
    assert line(await assign(story, "alice", add=0), "total") == -2


async def test_one_users_spent_allotment_holds_back_nobody_else_on_the_same_sender(story: Story) -> None:
    await open_with(story, alice=1, bob=10)
    await send(story, "alice", 1, sender="shared")

    denied = await send(story, "alice", 1, sender="shared")
    others = await send(story, "bob", 1, sender="shared")

    assert block_events(denied) == [("user", "alice", True)]
    assert told(others, "decision") == ("allowed",)


async def test_release_gives_the_total_back_and_frees_the_user(story: Story) -> None:
    await open_with(story, alice=5)
    await story.submit(5, user="alice", charge="x")
    denied = await send(story, "alice", 1)

    released = await story.outcome("failed", charge="x")

    assert block_events(denied) == [("user", "alice", True)]
    assert block_events(released) == [("user", "alice", False)]
    assert told(await send(story, "alice", 5), "decision") == ("allowed",)


@pytest.mark.requirement("PL-44")
async def test_draft_of_a_user_is_told_what_the_total_lacks(story: Story) -> None:
    await open_with(story, alice=30)

    short = await send(story, "alice", 50, draft=True)
    covered = await send(story, "alice", 30, draft=True)
    no_pool = await send(story, "alice", 101, draft=True)

    assert told(short, "kind", "reason", "granted.count") == ("noted", "limit_reached", 30)
    assert told(covered, "kind", "reason") == ("noted", None)
    assert told(no_pool, "reason") == ("pool_empty",)


async def test_allotment_is_over_the_pool_and_not_over_other_wallets(story: Story) -> None:
    await open_with(story, alice=1)
    await story.command(PutWallet, wallet="own")
    await story.top_up(50, wallet="own")

    assert told(await send(story, "alice", 50, wallet="own"), "decision") == ("allowed",)
    assert told(await send(story, "alice", 2), "reason") == ("limit_reached",)


@pytest.mark.requirement("PL-34")
async def test_two_users_thresholds_judge_their_own_totals(story: Story) -> None:
    await story.open("users, company", credit=10_000)
    for user, level in (("alice", 50), ("bob", 200)):
        await put(story, user, total=300)
        await story.command(SetAlert, level=level, user=user, rule=f"user:{user}")

    first = [await send(story, user, 100) for user in ("alice", "bob")]
    second = [await send(story, user, 150) for user in ("alice", "bob")]
    again = await assign(story, "alice", add=1)

    assert [alerts(entry) for entry in first] == [[], ["credit.low"]]
    assert [alerts(entry) for entry in second] == [["credit.low"], []]
    assert second[0]["alerts"] == [
        {"type": "credit.low", "rule": "user:alice", "level": 50, "user": "alice", "total": 50}
    ]
    assert alerts(again) == ["credit.recovered"]


@pytest.mark.requirement("PL-34")
async def test_new_user_has_the_plans_threshold_and_takes_along_the_own_one_that_watched_the_pool(
    story: Story,
) -> None:
    await story.open("users, alerts", credit=0)
    await story.tick()
    await story.command(SetAlert, level=500, user="alice", rule="mine")

    added = await put(story, "alice", per_month=600)
    by_pool = await send(story, "olga", 400)
    own = await send(story, "alice", 100)
    low = await send(story, "alice", 450)

    assert [(rule["rule"], rule["enabled"]) for rule in added["rules"]] == [("mine", False)]
    assert alerts(by_pool) == []
    assert [(alert["rule"], alert["user"]) for alert in own["alerts"]] == [("mine", "alice")]
    assert [(alert["rule"], alert["total"]) for alert in low["alerts"]] == [("default", 50)]
