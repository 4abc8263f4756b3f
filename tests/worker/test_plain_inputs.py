"""The quick way from an event to the ledger's row makes what the general one makes, and stands back where it cannot."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from metering import native
from metering.contracts.entries import CustomerSettings, InputReference, Position
from metering.contracts.events import EventType
from metering.ledger.inputs import ChunkBuilder
from metering.rating import Plan, load_catalog
from metering.worker.customers import Customer, policy_of
from metering.worker.decoding import UsageInput, decode_usage
from metering.worker.event_inputs import add_event
from metering.worker.plain_inputs import add_plain
from tests.end_to_end.system import RATES
from tests.worker.records import DAY_MS, NOW_MS, usage_event

PLAN: Plan = load_catalog(RATES).plans["payg-usd"]
NUMBERS = ["+34600000001", "+12025550101", "+447700900001", "+79001112233", "+491700000001"]
WHERE, AFTER = InputReference("usage", 0, 7), Position(8, 3)


def customer(plan: Plan | None = PLAN, **fields: Any) -> Customer:
    """A customer of a plan, known to the ledger."""
    known = CustomerSettings(3, "payg-usd", "USD", **fields)
    return Customer(known, policy_of(known, plan), plan)


def new_builder() -> ChunkBuilder:
    """A builder without compiled steps, which have tests of their own (`tests/native`)."""
    with native.forced(is_on=False):
        return ChunkBuilder(Position(7, 3))


def built(value: bytes, of: Customer, *, plainly: bool) -> object:
    """The chunk that an event alone makes; None where it is not plain."""
    usage = decode_usage(value, NOW_MS, DAY_MS)
    if not isinstance(usage, UsageInput):
        return None
    builder = new_builder()
    about = (builder, usage, of, WHERE, AFTER, NOW_MS + 5, "rates-1")
    if not plainly:
        add_event(*about)
    elif not add_plain(*about):
        assert len(builder) == 0
        return None
    return builder.finish(AFTER)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
maybe = st.none() | texts
events = st.fixed_dictionaries(
    {
        "type": st.sampled_from([kind.value for kind in EventType]),
        "to": st.sampled_from(
            ["+34600000001", "+12025550101", "+447700900001", "+79001112233", "+491700000001", "601", None]
        ),
        "segments": st.none() | st.integers(0, 300),
        "text": maybe,
        "charge_id": maybe,
        "sender": maybe,
        "user": maybe,
        "campaign": maybe,
        "on_behalf_of": maybe,
        "reply_to": maybe,
        "wallet": st.none() | st.just("marketing"),
        "sender_type": st.none() | st.sampled_from(["long_code", "short_code"]),
        "mcc_mnc": st.none() | st.just("21401"),
        "scheduled": st.none() | st.booleans(),
        "draft": st.none() | st.booleans(),
        "characters": st.none() | st.integers(0, 900),
        "seconds": st.none() | st.integers(0, 900),
        "amount_micros": st.none() | st.integers(1, 900),
        "adjusts": maybe,
    }
)
customers = st.sampled_from(
    [customer(), customer(country="ES"), customer(limits=4), customer(wallet_mode="per_user"), customer(plan=None)]
)


@given(events, customers)
@settings(max_examples=400)
def test_event_added_plainly_makes_the_same_chunk(fields: dict[str, Any], of: Customer) -> None:
    value = usage_event("e-1", **fields)
    plain = built(value, of, plainly=True)
    if plain is not None:
        assert plain == built(value, of, plainly=False)


@given(st.lists(st.tuples(events, st.sampled_from(["acme", "acne"]), st.booleans()), max_size=5), customers)
@settings(max_examples=200)
def test_plain_events_among_others_find_the_places_of_the_same_names(
    several: list[tuple[dict[str, Any], str, bool]], of: Customer
) -> None:
    mixed, general = new_builder(), new_builder()
    for number, (fields, name, plainly) in enumerate(several):
        usage = decode_usage(usage_event(f"e-{number % 2}", customer=name, **fields), NOW_MS, DAY_MS)
        if isinstance(usage, UsageInput):
            about = (usage, of, WHERE, AFTER, NOW_MS + number, "rates-1")
            add_event(general, *about)
            if not plainly or not add_plain(mixed, *about):
                add_event(mixed, *about)
    assert mixed.finish(AFTER) == general.finish(AFTER)


PLAIN: list[dict[str, Any]] = [
    {},
    {"text": "Hello", "segments": None},
    {"charge_id": "m-1", "user": "ann", "sender_type": "long_code"},
    {"type": "sms.sent", "charge_id": "m-1", "to": None},
    {"type": "sms.failed", "charge_id": "m-1", "to": None, "segments": None},
]


@pytest.mark.parametrize("fields", PLAIN)
def test_common_event_is_plain(fields: dict[str, Any]) -> None:
    assert built(usage_event(**fields), customer(), plainly=True) is not None


UNUSUAL: list[tuple[dict[str, Any], Customer]] = [
    ({}, customer(limits=1)),
    ({}, customer(wallet_mode="per_user")),
    ({}, customer(plan=None)),
    ({"wallet": "marketing"}, customer()),
    ({"draft": True}, customer()),
    ({"recipients": ["+34600000001", "+34600000002"]}, customer()),
    ({"to": "600 000 001"}, customer(country="ES")),
    ({"to": "+79001112233"}, customer()),
    ({"type": "sms.sent", "charge_id": "m-1"}, customer()),
    ({"type": "voice.started"}, customer()),
]


@pytest.mark.parametrize(("fields", "of"), UNUSUAL, ids=[orjson.dumps(fields).decode() for fields, _ in UNUSUAL])
def test_event_that_is_not_plain_is_left_to_the_general_way(fields: dict[str, Any], of: Customer) -> None:
    assert built(usage_event(**fields), of, plainly=True) is None
