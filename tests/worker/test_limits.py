"""Limits through the worker: what finds them, and what they come to. Leaves their rules to the ledger's tests."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command, usage_event

CAP_MICROS = 1_000_000


async def limited_bucket(redis: Redis, level: str, name: str) -> MeteredBucket:
    """A bucket whose customer has much credit and one limit a day."""
    await redis.flushall()
    bucket = MeteredBucket(redis)
    await bucket.open()
    limit = {"level": level, "name": name, "window": "day", "cap_micros": CAP_MICROS}
    await bucket.commands(
        command("open_customer", "open", plan="payg-usd"),
        command("top_up", "credit", amount_micros=10**12, unit="USD"),
        command("put_limit", "limit", **limit),
    )
    return bucket


async def told(bucket: MeteredBucket, *events: bytes) -> list[dict[str, Any]]:
    """The entries of events."""
    return [orjson.loads(made.value) for made in await bucket.events(*events)]


@pytest.mark.parametrize(
    ("level", "name", "mine"),
    [
        ("customer", "any name", {}),
        ("wallet", "main", {}),
        ("user", "ann", {"user": "ann"}),
        ("sender", "shop", {"sender": "shop"}),
        ("campaign", "spring", {"campaign": "spring"}),
    ],
)
async def test_event_meets_the_limit_that_its_fields_name(
    fresh_redis: Redis, level: str, name: str, mine: dict[str, Any]
) -> None:
    bucket = await limited_bucket(fresh_redis, level, name)

    (others, own) = await told(bucket, usage_event("e-1", segments=1), usage_event("e-2", segments=1, **mine))

    met = ["states" in entry for entry in (others, own)]
    assert met == [not mine, True]
    assert own["states"][0]["held_micros"] == own["price_micros"] * sum(met)


@pytest.mark.parametrize("together", [1, 7, 64])
async def test_events_however_cut_into_chunks_fill_a_limit_exactly(fresh_redis: Redis, together: int) -> None:
    bucket = await limited_bucket(fresh_redis, "campaign", "spring")
    events = [usage_event(f"e-{n}", segments=1, campaign="spring") for n in range(400)]

    entries = []
    for first in range(0, len(events), together):
        entries += await told(bucket, *events[first : first + together])

    price = entries[0]["price_micros"]
    allowed = [entry for entry in entries if entry["decision"] == "allowed"]
    assert len(allowed) == CAP_MICROS // price < 400
    assert {entry["reason"] for entry in entries[len(allowed) :]} == {"limit_reached"}
    assert [entry["seq"] for entry in entries if entry.get("alerts")] == [allowed[-1]["seq"] + (CAP_MICROS % price > 0)]
