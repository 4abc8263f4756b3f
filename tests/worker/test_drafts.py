"""A broadcast that is being made, from bytes to its decision and the notice to the account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from metering.contracts.topics import Topic
from metering.worker.outputs import decision_of, side_outputs
from tests.rating.decks import sms, write_rates
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command, usage_event

NUMBERS = [f"+3460000{n:04}" for n in range(80)]


async def ask(redis: Redis, rates: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Have a draft to 80 recipients at 1 each answered, by a customer who has 50; its decision and its alerts."""
    bucket = MeteredBucket(redis, rates)
    await bucket.open()
    await bucket.commands(
        command("open_customer", "open", plan="test"),
        command("top_up", "credit", amount_micros=50_000_000, unit="USD"),
    )
    draft = usage_event("draft", type="broadcast.submitted", to=None, recipients=NUMBERS, draft=True)
    (made,) = await bucket.events(draft)
    output = decision_of(made)
    assert output is not None
    alerts = [orjson.loads(one.value or b"") for one in side_outputs(made) if one.topic == Topic.ALERTS]
    return orjson.loads(output.value or b""), alerts


@pytest.mark.requirement("BM-13")
async def test_balance_of_50_and_estimate_of_80_gives_notice_of_30_and_the_draft_is_saved(
    fresh_redis: Redis, tmp_path: Path
) -> None:
    decision, alerts = await ask(fresh_redis, write_rates(tmp_path, [sms("34", "1")]))

    assert (decision["outcome"], decision["reason"]) == ("allowed", "insufficient_credit")
    assert (decision["price_micros"], decision["shortfall_micros"]) == (80_000_000, 30_000_000)
    assert decision["available_micros"] == 50_000_000
    assert decision.keys().isdisjoint({"granted", "asked", "final", "expires_at_ms"})
    assert [(alert["type"], alert["data"]["shortfall_micros"]) for alert in alerts] == [("credit.short", 30_000_000)]


@pytest.mark.requirement("C-25")
async def test_plan_that_refuses_denies_it_with_the_same_notice(fresh_redis: Redis, tmp_path: Path) -> None:
    rates = write_rates(tmp_path, [sms("34", "1")], more="policy: { insufficient_at_create: refuse }")

    decision, alerts = await ask(fresh_redis, rates)

    assert (decision["outcome"], decision["shortfall_micros"]) == ("denied", 30_000_000)
    assert [alert["data"]["shortfall_micros"] for alert in alerts] == [30_000_000]
