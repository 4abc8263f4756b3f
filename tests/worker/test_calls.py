"""Calls as the pipeline tells of them: what follows their beginning needs no number, their charge keeps the terms."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command, usage_event


async def told(bucket: MeteredBucket, *events: bytes) -> list[dict[str, Any]]:
    """The entries of events."""
    return [orjson.loads(made.value) for made in await bucket.events(*events)]


async def opened(redis: Redis) -> MeteredBucket:
    """A bucket with one customer who has credit."""
    bucket = MeteredBucket(redis)
    await bucket.open()
    await bucket.commands(
        command("open_customer", "open"), command("top_up", "credit", amount_micros=10**9, unit="USD")
    )
    return bucket


STARTED = usage_event("start", type="voice.started", charge_id="call", segments=None)
EXTENDED = usage_event("more", type="voice.extended", charge_id="call", to=None, segments=None, seconds=60)
ENDED = usage_event("end", type="voice.ended", charge_id="call", to=None, segments=None, seconds=75)


@pytest.mark.requirement("PL-26")
@pytest.mark.parametrize("in_one_chunk", [True, False])
async def test_call_is_extended_and_ends_without_naming_its_number(fresh_redis: Redis, *, in_one_chunk: bool) -> None:
    bucket = await opened(fresh_redis)
    if in_one_chunk:
        started, extended, ended = await told(bucket, STARTED, EXTENDED, ENDED)
    else:
        started, extended, ended = [(await told(bucket, event))[0] for event in (STARTED, EXTENDED, ENDED)]

    # 1,000 a second, the first 30, then by 6; one step of headroom.
    assert (started["kind"], started["held_change_micros"]) == ("reserved", 36_000)
    assert (extended["kind"], extended["held_change_micros"], extended["price_micros"]) == ("extended", 36_000, 36_000)
    assert extended["charge"]["call"]["seconds"] == 61
    assert (ended["kind"], ended["amount_micros"], ended["price_micros"]) == ("committed", -78_000, 78_000)
    assert ended["after"]["held_micros"] == 0


async def test_end_of_a_call_that_nobody_knows_needs_its_number_to_be_charged(fresh_redis: Redis) -> None:
    bucket = await opened(fresh_redis)
    number = usage_event("end-2", type="voice.ended", charge_id="call", segments=None, seconds=75)

    nameless, named = await told(bucket, ENDED, number)

    assert (nameless["kind"], nameless["reason"]) == ("noted", "unknown_charge")
    assert (named["kind"], named["reason"], named["amount_micros"]) == ("debited", "late", -78_000)
