"""Sender types that need equipment, as the ledger meets them. Leaves which fees there are to rating."""

from __future__ import annotations

import orjson
import pytest
from redis.asyncio import Redis

from metering.rating.catalog import shipped_rates
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command, usage_event

US = "+12125550001"


@pytest.mark.requirement("PL-22")
@pytest.mark.parametrize(
    ("equipment", "expected"),
    [
        ([], ("denied", "feature_disabled")),
        (["shared-short-code"], ("debited", None)),
        (["premium-keyword"], ("debited", None)),
    ],
)
async def test_shared_short_code_needs_its_fee_or_a_keyword(
    fresh_redis: Redis, equipment: list[str], expected: tuple[str, str | None]
) -> None:
    await fresh_redis.flushall()
    bucket = MeteredBucket(fresh_redis, shipped_rates())
    await bucket.open()
    await bucket.commands(command("open_customer", "open", plan="rollover-credits"))
    await bucket.commands(command("set_options", "options", equipment=equipment))

    *_, ordinary = await bucket.events(usage_event("e-1", to=US, sender_type="long_code"))
    *_, short = await bucket.events(usage_event("e-2", to=US, sender_type="short_code"))

    entry = orjson.loads(short.value)
    assert orjson.loads(ordinary.value)["kind"] == "debited"
    assert (entry["kind"], entry.get("reason")) == expected
