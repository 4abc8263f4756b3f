"""The quick way to a decision gives the bytes of the general one."""

from __future__ import annotations

import msgspec
from redis.asyncio import Redis

from metering.worker.outputs import any_decision
from metering.worker.plain_decisions import plain_decision
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command, usage_event


async def test_plain_decision_has_the_bytes_of_the_general_one(fresh_redis: Redis) -> None:
    bucket = MeteredBucket(fresh_redis)
    await bucket.open()
    await bucket.commands(
        command("open_customer", "open"), command("top_up", "credit", amount_micros=200_000, unit="USD")
    )
    made = await bucket.events(
        usage_event("reserved", charge_id="reserved"),
        usage_event("debited", to="+12015550100", charge_id='a "text"'),
        usage_event("unrated", to="+491700000001"),
        usage_event("unreadable", to="one"),
        usage_event("repeated"),
        usage_event("repeated"),
        usage_event("nobody's", customer="acne", charge_id=None),
        usage_event("too dear", segments=9, sender="+34910000001"),
        usage_event("delivered", type="sms.delivered", charge_id="reserved", to=None),
        usage_event("received", type="sms.received"),
    )

    asked = [one for one in made if one.result.decision]
    plain = [(one, plain_decision(one)) for one in asked]
    for one, decision in plain:
        if decision is not None and one.carried.event is not None:
            assert msgspec.json.encode(decision) == msgspec.json.encode(any_decision(one, one.carried.event))
    assert [one.carried.event.id for one, decision in plain if decision is None and one.carried.event] == [
        "repeated",
        "too dear",
    ]
    assert len(asked) == 8
