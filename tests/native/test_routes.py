"""Compiled steps price a text as its plan does, whatever they have kept of texts before: by prefix, time and size."""

from __future__ import annotations

from copy import copy
from typing import Any
from weakref import ref

import pytest
from hypothesis import given, settings, strategies as st

from metering.contracts.entries import CustomerSettings
from metering.rating import Plan
from metering.rating.segments import Segments
from metering.worker.customers import Customer, policy_of
from tests.native.paths import needs_compiled
from tests.native.test_adding import CATALOG, added, customer, seen
from tests.rating.decks import NOON_MS
from tests.rating.test_hot_path import _plans
from tests.worker.records import usage_event

pytestmark = needs_compiled


def customer_of(plan: Plan) -> Customer:
    """A customer of a plan that is in no catalog."""
    known = CustomerSettings(3, plan.id, plan.unit)
    return Customer(known, policy_of(known, plan), plan)


PLANS = [*(customer_of(plan) for plan in _plans()), *(customer(name) for name in sorted(CATALOG.plans))]
NUMBERS = st.sampled_from(
    [
        *("+14155551234", "+14156661234", "+14155", "+12125551234", "+12", "+1", "+1415555123456789", "+04155551234"),
        *("+447400123456", "+44740", "+19005551234", "+79161234567", "+1x", "+34600000001", "+346", "+3460000000a"),
    ]
)
texts = st.fixed_dictionaries(
    {"to": NUMBERS, "segments": st.none() | st.integers(0, 300), "at_ms": st.integers(NOON_MS - 6, NOON_MS + 6)},
    optional={
        "text": st.text(st.sampled_from("aé€я{\n@"), max_size=170) | st.integers(0, 200).map("a".__mul__),
        "sender_type": st.sampled_from(["long_code", "toll_free"]),
        "mcc_mnc": st.sampled_from(["310260", "23415"]),
        "characters": st.integers(0, 900),
    },
)


@settings(max_examples=500)
@given(st.lists(st.tuples(texts, st.sampled_from(PLANS)), min_size=1, max_size=8))
def test_texts_cost_what_their_plan_says(several: list[tuple[dict[str, Any], Customer]]) -> None:
    values = [(usage_event(**fields), who, NOON_MS) for fields, who in several]

    assert seen(added(values, is_on=True, at_ms=NOON_MS)[0]) == seen(added(values, is_on=False, at_ms=NOON_MS)[0])


def test_plan_is_asked_once_for_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    price, count = Plan.price_sms, Plan.count_segments

    def price_noted(self: Plan, to: str, *about: Any) -> Any:
        asked.append(to)
        return price(self, to, *about)

    def count_noted(self: Plan, text: str) -> Segments:
        asked.append(text)
        return count(self, text)

    monkeypatch.setattr(Plan, "price_sms", price_noted)
    monkeypatch.setattr(Plan, "count_segments", count_noted)
    who = customer_of(copy(_plans()[0]))  # a plan that was never asked
    sent = [usage_event(to=f"+1416555{n:04}", segments=None, text="a" * 160, at_ms=NOON_MS) for n in range(50)]
    longer = [usage_event(to="+14165550000", segments=None, text=text, at_ms=NOON_MS) for text in ("é", "a" * 161)]

    assert added([(value, who, NOON_MS) for value in sent], is_on=True, at_ms=NOON_MS)[1] == 50
    assert asked == ["+14165550000"]
    assert added([(value, who, NOON_MS) for value in longer], is_on=True, at_ms=NOON_MS)[1] == 2
    assert asked[1:] == ["é", "a" * 161, "+14165550000"]


def test_more_prices_than_are_kept_cost_the_same() -> None:
    who = customer()
    numbers = [f"+1{area}5551234" for area in range(201, 250)]
    for first in range(1, 256, 50):
        fields: list[dict[str, Any]] = [
            {"to": to, "segments": n} for to in numbers for n in range(first, min(first + 50, 256))
        ]
        values = [(usage_event(at_ms=NOON_MS, **one), who, NOON_MS) for one in fields]
        assert seen(added(values, is_on=True, at_ms=NOON_MS)[0]) == seen(added(values, is_on=False, at_ms=NOON_MS)[0])


def test_plan_that_is_not_in_use_any_more_is_let_go() -> None:
    """A catalog is tens of megabytes: what is known of its plans must not keep it."""
    plan = copy(_plans()[0])
    gone = ref(plan)
    assert added([(usage_event(at_ms=NOON_MS), customer_of(plan), NOON_MS)], is_on=True, at_ms=NOON_MS)[1] == 0
    sent = usage_event(to="+14165551234", at_ms=NOON_MS)
    assert added([(sent, customer_of(plan), NOON_MS)], is_on=True, at_ms=NOON_MS)[1] == 1
    del plan
    assert gone() is None
