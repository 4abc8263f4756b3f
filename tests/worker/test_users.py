"""Users and allotments from bytes to outputs: the plan, answers, alerts, and the list of blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from metering.contracts.reasons import Kind
from metering.contracts.topics import Topic
from metering.ledger.made import EntryMade
from metering.worker.outputs import side_outputs
from tests.rating.decks import sms, write_rates
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import NOW_MS, command, usage_event

MILLION = 1_000_000
US = "+12025550101"
PLAN = """
cycle: monthly
grant: { amount: "5244", kind: nro }
alerts:
  - { level: "50", scope: user }
"""


@pytest.fixture
async def bucket(fresh_redis: Redis, tmp_path: Path) -> MeteredBucket:
    """A bucket whose customer has a plan that grants 5,244 a month, and tells users at 50."""
    bucket = MeteredBucket(fresh_redis, write_rates(tmp_path, [sms("1", "1")], more=PLAN))
    await bucket.open()
    await bucket.commands(command("open_customer", "open", plan="test"))
    return bucket


def told(made: EntryMade, topic: Topic) -> list[dict[str, Any]]:
    """What an entry tells on a side topic."""
    return [orjson.loads(one.value) for one in side_outputs(made) if one.topic == topic and one.value]


async def answer(bucket: MeteredBucket, kind: str, command_id: str, **fields: Any) -> dict[str, Any]:
    """Send a command about users; return its answer."""
    made = (await bucket.commands(command(kind, command_id, **fields)))[-1]
    (found,) = told(made, Topic.ANSWERS)
    return found


@pytest.mark.requirement("PL-45")
@pytest.mark.requirement("PL-46")
async def test_refused_answer_names_the_field_and_the_maximum_and_so_does_its_repeat(bucket: MeteredBucket) -> None:
    above = {"user": "ann", "per_month_micros": 5_245 * MILLION}

    refused = await answer(bucket, "put_user", "a", **above)
    repeated = await answer(bucket, "put_user", "a", **above)
    fine = await answer(bucket, "put_user", "b", user="ann", per_month_micros=5_244 * MILLION)

    assert (refused["outcome"], refused["reason"]) == ("refused", "exceeds_max")
    assert refused["allotment"]["field"] == "per_month"
    assert refused["allotment"]["assignable"] == {
        "company_total_micros": 5_244 * MILLION,
        "max_per_month_micros": 5_244 * MILLION,
        "max_total_micros": 5_244 * MILLION,
    }
    assert repeated["duplicate"]
    assert repeated["allotment"] == refused["allotment"]
    assert (fine["outcome"], fine["allotment"]["total_micros"]) == ("done", 5_244 * MILLION)


@pytest.mark.requirement("PL-34")
async def test_users_total_falls_to_the_plans_threshold_and_the_alert_tells_the_total(bucket: MeteredBucket) -> None:
    await bucket.commands(command("put_user", "a", user="ann", per_month_micros=51 * MILLION))

    (made,) = await bucket.events(usage_event("m-1", to=US, user="ann"))

    (alert,) = told(made, Topic.ALERTS)
    assert alert["type"] == "credit.low"
    assert alert["data"]["user"] == "ann"
    assert (alert["data"]["level_micros"], alert["data"]["available_micros"]) == (50 * MILLION, 50 * MILLION)


@pytest.mark.requirement("PL-58")
async def test_blocked_user_is_a_record_of_the_list_until_more_is_given(bucket: MeteredBucket) -> None:
    await bucket.commands(command("put_user", "a", user="ann", total_micros=MILLION))
    events = [usage_event(f"m-{number}", to=US, user="ann", sender="shared") for number in range(2)]

    _, denied = await bucket.events(*events)
    (raised,) = await bucket.commands(command("set_allotment", "b", user="ann", add_micros=MILLION))

    (block,) = told(denied, Topic.BLOCKED_SENDERS)
    assert (block["level"], block["id"], block["reason"]) == ("user", "ann", "limit_reached")
    assert [alert["type"] for alert in told(raised, Topic.ALERTS)] == ["sender.unblocked"]
    (lifted,) = [one for one in side_outputs(raised) if one.topic == Topic.BLOCKED_SENDERS]
    assert (lifted.key, lifted.value) == (b'["acme","user","ann"]', None)


@pytest.mark.requirement("PL-42")
async def test_month_adds_once_however_late_the_clock_runs(bucket: MeteredBucket) -> None:
    await bucket.commands(command("put_user", "a", user="ann", per_month_micros=10 * MILLION))
    bucket.now_ms = NOW_MS + 62 * 86_400_000

    made = await bucket.commands(command("put_user", "b", user="ben"), command("put_user", "c", user="cem"))

    added = [entry.effect for entry in made if entry.effect.kind is Kind.ALLOTTED]
    assert [effect.allotment and effect.allotment.total_micros for effect in added] == [20 * MILLION, 30 * MILLION]


async def test_who_changed_an_allotment_stands_in_the_entry(bucket: MeteredBucket) -> None:
    made = (await bucket.commands(command("put_user", "a", user="ann", actor="olga", reason="new in sales")))[-1]

    entry = orjson.loads(made.value)

    assert (entry["kind"], entry["actor"], entry["note"]) == ("assigned", "olga", "new in sales")
    assert entry["command"] == {"id": "a", "type": "put_user"}
