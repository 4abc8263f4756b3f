"""What entries tell the world: decisions, answers, alerts, the list of blocks. Leaves sending it to others."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import pytest_asyncio
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from redis.asyncio import Redis

from metering.contracts.topics import Topic
from metering.ledger.identity import event_digest
from metering.ledger.made import EntryMade
from metering.worker.outputs import Output, decision_of, side_outputs
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import NOW_MS, command, usage_event


@pytest_asyncio.fixture
async def bucket(fresh_redis: Redis) -> MeteredBucket:
    """A bucket in which acme has 6.10 US dollars."""
    one = MeteredBucket(fresh_redis)
    await one.open()
    await one.commands(
        command("open_customer", "open"), command("top_up", "credit", amount_micros=6_100_000, unit="USD")
    )
    return one


def values(outputs: list[Output], topic: Topic) -> list[Any]:
    """Values of a topic's outputs."""
    return [orjson.loads(output.value) if output.value else None for output in outputs if output.topic == topic]


def decision(made: EntryMade) -> dict[str, Any]:
    """The decision of an entry."""
    output = decision_of(made)
    assert output is not None
    assert (output.topic, output.key, output.partition) == (Topic.DECISIONS, b"acme", None)
    found: dict[str, Any] = orjson.loads(output.value or b"")
    return found


@pytest.mark.requirement("BM-02")
async def test_decision_says_what_was_asked_and_what_is_left(bucket: MeteredBucket) -> None:
    (made,) = await bucket.events(usage_event("m-1", segments=2, charge_id="m-1"))
    assert decision(made) == {
        "id": event_digest("/gateway", "m-1"),
        "source": "/gateway",
        "event_id": "m-1",
        "customer": "acme",
        "charge_id": "m-1",
        "outcome": "allowed",
        "unit": "USD",
        "price_micros": 100_000,
        "available_micros": 6_000_000,
        "expires_at_ms": NOW_MS + 259_200_000,
        "entry": "0-3",
        "applied_at_ms": NOW_MS,
    }


@pytest.mark.requirement("INF-01")
async def test_repeat_gets_the_first_decision_under_the_same_id(bucket: MeteredBucket) -> None:
    first, again = await bucket.events(usage_event("m-1"), usage_event("m-1"))
    assert decision(again)["id"] == decision(first)["id"]
    assert {name: decision(again)[name] for name in ("outcome", "entry", "duplicate")} == {
        "outcome": "allowed",
        "entry": "0-3",
        "duplicate": True,
    }


async def test_denial_names_its_reason_and_an_outcome_gets_no_decision(bucket: MeteredBucket) -> None:
    denied, delivered = await bucket.events(
        usage_event("m-1", to="+491700000001"), usage_event("m-2", type="sms.delivered", charge_id="m-9", to=None)
    )
    assert (decision(denied)["outcome"], decision(denied)["reason"]) == ("denied", "unrated")
    assert decision_of(delivered) is None
    assert side_outputs(delivered) == []


async def test_answer_goes_to_whom_it_was_asked_for(bucket: MeteredBucket) -> None:
    (made,) = await bucket.commands(command("adjust", "a-1", amount_micros=-100_000, unit="USD", reply_to="desk-7"))
    (output,) = side_outputs(made)
    assert (output.topic, output.key, output.partition) == (Topic.ANSWERS, b"desk-7", 0)
    assert orjson.loads(output.value or b"") == {
        "id": "a-1",
        "type": "adjust",
        "customer": "acme",
        "reply_to": "desk-7",
        "outcome": "done",
        "wallet": "main",
        "unit": "USD",
        "amount_micros": -100_000,
        "after": {"available_micros": 6_000_000, "held_micros": 0, "overdrawn_micros": 0},
        "entry": "0-3",
    }


async def test_repeated_command_is_answered_with_the_first_answer(bucket: MeteredBucket) -> None:
    again = command("top_up", "credit", amount_micros=6_100_000, unit="USD")
    await bucket.events(usage_event("m-1"))
    (made,) = await bucket.commands(again)
    (answer,) = values(side_outputs(made), Topic.ANSWERS)
    assert (answer["outcome"], answer["entry"], answer["duplicate"]) == ("done", "0-2", True)
    assert answer["after"]["available_micros"] == 6_100_000


async def test_repeat_of_what_was_done_for_a_reason_is_answered_as_done(bucket: MeteredBucket) -> None:
    commands = [command("reverse_top_up", "back", top_up="0-2", amount_micros=1_000, unit="USD", cause="refund")]
    commands += [command("mark_spam", "spam")]
    first = await bucket.commands(*commands)
    again = await bucket.commands(*commands)
    answers = [[values(side_outputs(made), Topic.ANSWERS)[0] for made in entries] for entries in (first, again)]
    assert [(answer["outcome"], answer["reason"]) for answer in answers[0]] == [("done", "refund"), ("done", "spam")]
    for answer, repeated in zip(*answers, strict=True):
        assert repeated == answer | {"duplicate": True}


async def test_refused_command_is_answered_with_its_reason(bucket: MeteredBucket) -> None:
    (made,) = await bucket.commands(command("top_up", "c-9", amount_micros=1, unit="EUR"))
    (answer,) = values(side_outputs(made), Topic.ANSWERS)
    assert (answer["outcome"], answer["reason"]) == ("refused", "wrong_unit")


@pytest.mark.requirement("BM-18")
@pytest.mark.requirement("BM-19")
async def test_alerts_are_cloud_events_and_blocks_are_listed_until_they_are_lifted(bucket: MeteredBucket) -> None:
    texts = [usage_event(f"m-{n}", segments=40, sender="ACME") for n in range(4)]
    outputs = [output for made in await bucket.events(*texts) for output in side_outputs(made)]
    (lifted,) = await bucket.commands(command("top_up", "more", amount_micros=9_000_000, unit="USD"))
    outputs += [output for output in side_outputs(lifted) if output.topic != Topic.ANSWERS]
    alerts = values(outputs, Topic.ALERTS)
    assert [(alert["type"], alert["id"], alert["data"].get("reason")) for alert in alerts] == [
        ("credit.low", "0-3:0", None),
        ("sender.blocked", "0-6:0", "insufficient_credit"),
        ("credit.recovered", "0-7:0", None),
        ("sender.unblocked", "0-7:1", "insufficient_credit"),
    ]
    for output in outputs:
        if output.topic == Topic.ALERTS:
            read = JSONFormat().read(CloudEvent, output.value or b"")
            assert (read.get_subject(), read.get_source()) == ("acme", "/metering/buckets/0")
    blocks = [(output.key, output.value is None) for output in outputs if output.topic == Topic.BLOCKED_SENDERS]
    assert blocks == [(b'["acme","sender","ACME"]', False), (b'["acme","sender","ACME"]', True)]
