"""What an estimate says is what the ledger debits in the end, for equal input: each channel, on the shipped plans."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from redis.asyncio import Redis

from metering.rating import shipped_rates
from metering.rating.estimate import EstimateRequest, estimate
from tests.rating.decks import shipped
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import NOW_MS, command, usage_event

pytestmark = pytest.mark.requirement("PL-27")

GROUP = [f"+1415555{number:04d}" for number in range(25)]
INDIA = "+919812345678"
LONG = "x" * 161

# What is asked of the estimate, the event's type, and how it ends.
CASES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "text": ({"channel": "sms", "to": GROUP[0], "text": LONG}, "sms.submitted", "sms.delivered"),
    "text_in_ucs2": ({"channel": "sms", "to": INDIA, "text": "я" * 71}, "sms.submitted", "sms.delivered"),
    "text_by_segments": ({"channel": "sms", "to": "+33612345678", "segments": 3}, "sms.submitted", "sms.delivered"),
    "toll_free_text": (
        {"channel": "sms", "to": GROUP[0], "text": LONG, "sender_type": "toll_free"},
        "sms.submitted",
        "sms.delivered",
    ),
    "group": ({"channel": "sms", "to": GROUP, "text": LONG}, "sms.submitted", "sms.delivered"),
    "picture": ({"channel": "mms", "to": GROUP[0], "media": 1}, "mms.submitted", "mms.delivered"),
    "pictures_to_a_group": ({"channel": "mms", "to": GROUP[:5], "media": 2}, "mms.submitted", "mms.delivered"),
    "call": ({"channel": "voice", "to": GROUP[0], "seconds": 61}, "voice.started", "voice.ended"),
    "unanswered_call": ({"channel": "voice", "to": GROUP[0], "seconds": 0}, "voice.started", "voice.ended"),
    "broadcast_of_texts": (
        {"channel": "broadcast", "to": GROUP, "text": LONG},
        "broadcast.submitted",
        "broadcast.delivered",
    ),
    "conversation": (
        {"channel": "conversation", "to": INDIA, "conversation_class": "user_initiated"},
        "conversation.started",
        "conversation.delivered",
    ),
    "received_text": ({"channel": "sms", "to": GROUP[0], "text": "hi", "direction": "inbound"}, "sms.received", None),
    "forwarded_call": (
        {"channel": "voice", "to": GROUP[0], "seconds": 120, "direction": "forwarded", "feature": "forwarded"},
        "voice.forwarded",
        None,
    ),
}


async def debited(redis: Redis, plan: str, asked: dict[str, Any], event_type: str, ends: str | None) -> int | None:
    """What the whole life of the event takes from a wallet, in micro-units; None where it is refused."""
    await redis.flushall()
    bucket = MeteredBucket(redis, shipped_rates())
    await bucket.open()
    unit = shipped().plans[plan].unit
    await bucket.commands(
        command("open_customer", "open", plan=plan),
        command("put_wallet", "wallet", wallet="ann", kind="user", user="ann"),
        command("top_up", "credit", wallet="ann", amount_micros=10**12, unit=unit),
    )
    numbers = [asked["to"]] if isinstance(asked["to"], str) else asked["to"]
    fields = {name: value for name, value in asked.items() if name not in {"to", "direction", "feature"}}
    if fields["channel"] != "broadcast":
        fields.pop("channel")
    elif "seconds" not in fields:
        fields["channel"] = "sms"
    to = {"to": numbers[0]} if len(numbers) == 1 else {"to": None, "recipients": numbers}
    # A wallet of a user, since not every plan lets the pool be spent.
    size = {"segments": None, "user": "ann", "wallet": "ann"} | fields | to
    made = [*await bucket.events(usage_event("submitted", type=event_type, charge_id="m-1", **size))]
    if orjson.loads(made[0].value)["kind"] == "denied":
        return None
    outcomes: list[bytes] = []
    if ends == "voice.ended":
        outcomes = [usage_event("ended", type=ends, charge_id="m-1", **size)]
    elif ends is not None:
        for verb in ("sent", "delivered"):
            kind = f"{ends.partition('.')[0]}.{verb}"
            outcomes += [
                usage_event(
                    f"{verb}-{n}", type=kind, charge_id="m-1", segments=None, to=number if len(numbers) > 1 else None
                )
                for n, number in enumerate(numbers)
            ]
    made += await bucket.events(*outcomes) if outcomes else []
    entries = [orjson.loads(one.value) for one in made]
    assert sum(entry.get("held_change_micros", 0) for entry in entries) == 0
    amounts: list[int] = [entry.get("amount_micros", 0) for entry in entries]
    return -sum(amounts)


def estimated(plan: str, asked: dict[str, Any]) -> int | None:
    """What is said beforehand."""
    return estimate(shipped(), msgspec.convert({"plan": plan, **asked}, EstimateRequest), NOW_MS).amount_micros


@pytest.mark.requirement("PL-31")
@pytest.mark.requirement("PL-30")
@pytest.mark.parametrize("plan", ["payg-usd", "rollover-credits", "office-credits", "currency-inr"])
@pytest.mark.parametrize(("asked", "event_type", "ends"), CASES.values(), ids=CASES.keys())
async def test_estimate_is_what_the_ledger_debits(
    asked: dict[str, Any], event_type: str, ends: str | None, plan: str, fresh_redis: Redis
) -> None:
    assert estimated(plan, asked) == await debited(fresh_redis, plan, asked, event_type, ends)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=25
)
@given(
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=400),
    to=st.lists(st.sampled_from([*GROUP, INDIA, "+33612345678", "+447400123456"]), min_size=1, max_size=5, unique=True),
)
async def test_estimate_of_any_text_to_anyone_is_what_the_ledger_debits(
    text: str, to: list[str], fresh_redis: Redis
) -> None:
    asked = {"channel": "sms", "to": to, "text": text}
    found = await debited(fresh_redis, "payg-usd", asked, "sms.submitted", "sms.delivered")
    assert estimated("payg-usd", asked) == found


CREDIT = 5_344_000_000
"""100 credits bought, and the month's 5,244."""


async def metered(redis: Redis, *events: bytes) -> list[dict[str, Any]]:
    """The entries of events of a customer with `CREDIT` on the plan of the requirements' US prices."""
    bucket = MeteredBucket(redis, shipped_rates())
    await bucket.open()
    await bucket.commands(
        command("open_customer", "open", plan="rollover-credits"),
        command("top_up", "credit", amount_micros=100_000_000, unit="credit"),
    )
    return [orjson.loads(made.value) for made in await bucket.events(*events)]


@pytest.mark.requirement("PL-26")
@pytest.mark.parametrize(("seconds", "debit", "above"), [(180, 6_000_000, True), (30, 2_000_000, False)])
async def test_call_held_for_a_minute_settles_at_what_it_cost(
    seconds: int, debit: int, above: bool, fresh_redis: Redis
) -> None:
    call: dict[str, Any] = {"to": GROUP[0], "segments": None, "charge_id": "call"}
    started, ended = await metered(
        fresh_redis,
        usage_event("started", type="voice.started", seconds=60, **call),
        usage_event("ended", type="voice.ended", seconds=seconds, **call),
    )
    held = 4_000_000  # a minute, and one step of headroom
    assert (started["kind"], started["held_change_micros"]) == ("reserved", held)
    assert (ended["amount_micros"], ended["held_change_micros"]) == (-debit, -held)
    assert ended["after"]["available_micros"] == CREDIT - debit
    assert above is (debit > held)


@pytest.mark.requirement("PL-02")
@pytest.mark.requirement("PL-16")
async def test_received_text_in_the_us_is_recorded_at_nothing(fresh_redis: Redis) -> None:
    (entry,) = await metered(fresh_redis, usage_event("in", type="sms.received", to=GROUP[0], text="x", segments=None))
    assert (entry["kind"], entry["price_micros"], entry.get("amount_micros", 0)) == ("debited", 0, 0)
    assert entry["after"]["available_micros"] == CREDIT
    assert [line["charge"] for line in entry["rates"]] == ["rate"]
