"""What each type of event is priced at, and what it does. Leaves the rules of money to the tests of the ledger."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from metering.observe.metrics import WorkerMetrics
from metering.worker.telling import Told
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import command, usage_event

AMERICA, BRITAIN, GERMANY, RUSSIA = "+12025550101", "+447700900001", "+491700000001", "+79001112233"
SPAIN = ["+34600000001", "+34600000002"]

PRICED: dict[str, tuple[dict[str, Any], str, int | None, int, int]] = {
    # fields, kind of the entry, price, change of the balance, change of what is held
    "text_of_two_parts": ({"segments": 2}, "reserved", 100_000, 0, 100_000),
    "text_in_gsm7": ({"segments": None, "text": "x" * 161}, "reserved", 100_000, 0, 100_000),
    "text_in_ucs2": ({"segments": None, "text": "я" * 71}, "reserved", 100_000, 0, 100_000),
    "text_by_characters": ({"segments": None, "encoding": "ucs2", "characters": 71}, "reserved", 100_000, 0, 100_000),
    "charged_on_submit": ({"to": AMERICA, "segments": 3}, "debited", 30_000, -30_000, 0),
    "charged_on_delivery": ({"to": BRITAIN}, "reserved", 40_000, 0, 40_000),
    "several_recipients": ({"to": None, "recipients": SPAIN}, "reserved", 100_000, 0, 100_000),
    "recipient_named_twice": ({"to": None, "recipients": [SPAIN[0]] * 2}, "reserved", 50_000, 0, 50_000),
    "picture": ({"type": "mms.submitted", "media": 2}, "reserved", 200_000, 0, 200_000),
    "call_with_headroom": ({"type": "voice.started"}, "reserved", 36_000, 0, 36_000),
    "call_of_a_minute": ({"type": "voice.started", "seconds": 60}, "reserved", 66_000, 0, 66_000),
    "call_never_seen": (
        {"type": "voice.ended", "charge_id": "x", "seconds": 31},
        "debited",
        36_000,
        -36_000,
        0,
    ),
    "conversation": (
        {"type": "conversation.started", "conversation_class": "business_initiated"},
        "debited",
        30_000,
        -30_000,
        0,
    ),
    "broadcast_of_pictures": (
        {"type": "broadcast.submitted", "channel": "mms", "to": None, "recipients": SPAIN, "media": 1},
        "reserved",
        400_000,
        0,
        400_000,
    ),
    "received_text": ({"type": "sms.received"}, "debited", 0, 0, 0),
    "received_call": ({"type": "voice.received", "seconds": 61}, "debited", 60_000, -60_000, 0),
    "recorded_amount": ({"type": "usage.recorded", "amount_micros": 7}, "debited", 7, -7, 0),
    "recorded_text": ({"type": "usage.recorded"}, "debited", 50_000, -50_000, 0),
    "correction_up": ({"type": "charge.adjusted", "adjusts": "x", "amount_micros": 5}, "adjusted", 5, -5, 0),
    "correction_down": ({"type": "charge.adjusted", "adjusts": "x", "amount_micros": -5}, "adjusted", -5, 5, 0),
    "outcome_with_its_own_price": ({"type": "sms.sent", "charge_id": "x"}, "debited", 50_000, -50_000, 0),
    "outcome_without_a_price": (
        {"type": "sms.sent", "charge_id": "x", "to": None, "segments": None},
        "noted",
        None,
        0,
        0,
    ),
}


async def meter(redis: Redis, **fields: Any) -> dict[str, Any]:
    """The entry of one event of a customer with credit."""
    bucket = MeteredBucket(redis)
    await bucket.open()
    await bucket.commands(
        command("open_customer", "open", country="ES"), command("top_up", "credit", amount_micros=10**9, unit="USD")
    )
    (made,) = await bucket.events(usage_event("e-1", **fields))
    entry: dict[str, Any] = orjson.loads(made.value)
    return entry


@pytest.mark.requirement("IU-22")
@pytest.mark.parametrize(("fields", "kind", "price", "amount", "held"), PRICED.values(), ids=PRICED.keys())
async def test_event_is_priced_and_does_what_its_type_says(
    fields: dict[str, Any], kind: str, price: int | None, amount: int, held: int, fresh_redis: Redis
) -> None:
    entry = await meter(fresh_redis, **fields)
    found = (
        entry["kind"],
        entry.get("price_micros"),
        entry.get("amount_micros", 0),
        entry.get("held_change_micros", 0),
    )
    assert found == (kind, price, amount, held)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no_rate": ({"to": GERMANY}, "unrated"),
    "rejected_by_the_deck": ({"to": RUSSIA}, "rejected_destination"),
    "no_number": ({"to": "12"}, "invalid_number"),
    "letters": ({"to": "spain"}, "invalid_number"),
    "too_many_recipients": ({"to": None, "recipients": [f"+3460000{n:04}" for n in range(1_001)]}, "too_many"),
    "one_of_two_without_a_rate": ({"to": None, "recipients": [SPAIN[0], GERMANY]}, "unrated"),
    "more_than_there_is": ({"segments": 255, "type": "broadcast.submitted", "wallet": "none"}, "unknown_wallet"),
}


@pytest.mark.parametrize(("fields", "reason"), REFUSED.values(), ids=REFUSED.keys())
async def test_event_that_cannot_be_priced_is_denied_with_its_reason(
    fields: dict[str, Any], reason: str, fresh_redis: Redis
) -> None:
    entry = await meter(fresh_redis, **fields)
    assert (entry["kind"], entry["reason"], entry["decision"]) == ("denied", reason, "denied")
    assert "amount_micros" not in entry


async def test_refused_destinations_are_counted_by_reason_and_country(fresh_redis: Redis) -> None:
    bucket = MeteredBucket(fresh_redis)
    await bucket.open()
    await bucket.commands(command("open_customer", "open", country="ES"))
    numbers = (GERMANY, GERMANY, RUSSIA, "12", AMERICA)
    events = [usage_event(f"e-{n}", to=number) for n, number in enumerate(numbers)]
    metrics = WorkerMetrics()
    Told.of(await bucket.events(*events, events[0])).counts.count(metrics)
    counted = {
        (sample.labels["reason"], sample.labels["country"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "metering_destinations_refused_total"
    }
    assert counted == {("unrated", "DE"): 2, ("rejected_destination", "RU"): 1, ("invalid_number", ""): 1}


async def test_number_in_national_form_is_read_by_the_customers_country(fresh_redis: Redis) -> None:
    entry = await meter(fresh_redis, to="600 000 001")
    assert (entry["kind"], entry["country"], entry["price_micros"]) == ("reserved", "ES", 50_000)


async def test_entry_names_the_rate_row_that_matched(fresh_redis: Redis) -> None:
    entry = await meter(fresh_redis, segments=2)
    (line,) = entry["rates"]
    assert {name: line[name] for name in ("deck", "prefix", "per", "unit_price_micros", "quantity")} == {
        "deck": "flat",
        "prefix": "+34",
        "per": "segment",
        "unit_price_micros": 50_000,
        "quantity": 2,
    }
