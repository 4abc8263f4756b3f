from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import AMOUNT_MICROS_MAX, CounterUse, LineTerms, TierStep
from metering.rating.counters import apply_counters, tier_numerator
from metering.rating.explain import explain
from metering.rating.money import Rounding
from tests.rating.decks import make_plan, priced, request, sms, voice

STEPS = (TierStep(10, 100), TierStep(20, 80), TierStep(None, 50))


def price_of_unit(steps: tuple[TierStep, ...], unit: int) -> int:
    return next(step.numerator for step in steps if step.up_to is None or unit <= step.up_to)


steps_of_any_kind = st.lists(st.integers(1, 60), min_size=0, max_size=4, unique=True).flatmap(
    lambda bounds: st.lists(st.integers(0, 1000), min_size=len(bounds) + 1, max_size=len(bounds) + 1).map(
        lambda prices: tuple(
            TierStep(up_to, price) for up_to, price in zip([*sorted(bounds), None], prices, strict=True)
        )
    )
)


@settings(max_examples=300)
@given(steps=steps_of_any_kind, before=st.integers(0, 100), quantity=st.integers(1, 60))
def test_graduated_tiers_equal_pricing_unit_by_unit(steps: tuple[TierStep, ...], before: int, quantity: int) -> None:
    tier = CounterUse("c", "month", "graduated", 0, steps)
    expected = sum(price_of_unit(steps, unit) for unit in range(before + 1, before + quantity + 1))
    assert expected == tier_numerator(tier, before, quantity)


@settings(max_examples=300)
@given(steps=steps_of_any_kind, before=st.integers(0, 100), quantity=st.integers(1, 60))
def test_volume_tiers_price_all_units_by_the_last(steps: tuple[TierStep, ...], before: int, quantity: int) -> None:
    tier = CounterUse("c", "month", "volume", 0, steps)
    assert quantity * price_of_unit(steps, before + quantity) == tier_numerator(tier, before, quantity)


@pytest.mark.parametrize(
    ("mode", "before", "quantity", "expected"),
    [
        ("graduated", 9, 1, 100), ("graduated", 10, 1, 80), ("graduated", 9, 2, 180), ("graduated", 5, 20, 1_550),
        ("volume", 9, 1, 100), ("volume", 9, 2, 160), ("volume", 19, 1, 80), ("volume", 19, 2, 100),
    ],
)  # fmt: skip
def test_tier_changes_exactly_at_its_bound(
    mode: Literal["graduated", "volume"], before: int, quantity: int, expected: int
) -> None:
    assert expected == tier_numerator(CounterUse("c", "month", mode, 0, STEPS), before, quantity)


@settings(max_examples=300)
@given(
    quantity=st.integers(0, 50), count=st.integers(1, 6), used=st.integers(0, 80), limit=st.integers(1, 60),
    price=st.integers(0, 10**6), denominator=st.sampled_from([1, 60, 100]), step=st.sampled_from([1, 7, 100]),
)  # fmt: skip
def test_included_units_are_free_and_the_rest_is_priced_by_fractions(
    quantity: int, count: int, used: int, limit: int, price: int, denominator: int, step: int
) -> None:
    included = CounterUse("free", "cycle", "included", limit)
    terms = LineTerms(quantity, count, 0, price, denominator, 0, Rounding("down", step), (included,))
    amounts, after = apply_counters(terms, {"free": used})
    left = max(0, limit - used)
    for amount in amounts:
        charged = max(0, quantity - left)
        left = max(0, left - quantity)
        assert Fraction(price * charged, denominator) // step * step == amount
    assert after["free"] == max(used, min(limit, used + quantity * count))


def test_included_call_pays_neither_connect_fee_nor_minimum() -> None:
    terms = LineTerms(60, 1, 500_000, 10, 1, 700_000, Rounding("up"), (CounterUse("free", "cycle", "included", 60),))
    assert apply_counters(terms, {}) == ((0,), {"free": 60})
    assert apply_counters(terms, {"free": 1})[0] == (700_000,)


def test_included_units_do_not_count_towards_tiers() -> None:
    uses = (CounterUse("free", "cycle", "included", 5), CounterUse("volume", "month", "graduated", 0, STEPS))
    terms = LineTerms(10, 2, 0, 100, 1, 0, Rounding("up"), uses)
    assert apply_counters(terms, {}) == ((500, 900), {"free": 5, "volume": 15})


MORE = """\
included:
  - { counter: free-texts, scope: { channel: sms, countries: [US] }, quantity: 100 }
tiers:
  - counter: texts
    scope: { channel: sms }
    mode: graduated
    steps: [{ up_to: 1000, percent: 100 }, { up_to: 5000, percent: 85 }, { price: "0.005" }]
  - counter: minutes
    scope: { channel: voice }
    mode: volume
    window: cycle
    steps: [{ up_to: 600, price: "0.06" }, { price: "0.03" }]
"""


def test_plan_puts_its_counters_into_the_line(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.0075", country="US"), sms("44", "0.04", country="GB")], more=MORE)
    us, gb = (priced(plan, request("sms", to, segments=2)).lines[0].terms for to in ("+14155552671", "+447400123456"))
    assert us is not None
    assert gb is not None
    assert [(use.counter, use.window, use.limit) for use in us.uses] == [
        ("free-texts", "cycle", 100),
        ("texts", "month", 0),
    ]
    assert [use.counter for use in gb.uses] == ["texts"]
    assert apply_counters(us, {"free-texts": 99, "texts": 1000}) == ((6_375,), {"free-texts": 100, "texts": 1001})
    assert apply_counters(gb, {"texts": 999}) == ((74_000,), {"texts": 1001})
    assert apply_counters(gb, {"texts": 5000})[0] == (10_000,)


def test_call_in_tiers_is_divided_once(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [voice("1", "0.05", first=1, next=1)], more=MORE)
    terms = priced(plan, request("voice", "+14155552671", seconds=7)).lines[0].terms
    assert terms is not None
    assert apply_counters(terms, {"minutes": 0}) == ((7_000,), {"minutes": 7})
    assert apply_counters(terms, {"minutes": 594}) == ((3_500,), {"minutes": 601})


def test_price_without_counters_is_the_list_price(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("44", "0.04")], more=MORE)
    price = priced(plan, request("sms", "+447400123456", segments=3))
    assert price.lines[0].terms is not None
    assert ((price.amount_micros,), {"texts": 3}) == apply_counters(price.lines[0].terms, {})
    assert "counters may lower it: texts (graduated, by month)" in str(
        explain(plan, request("sms", "+447400123456", segments=3))
    )


def test_plan_without_counters_has_no_terms(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.01")])
    assert priced(plan, request("sms", "+14155552671", segments=1)).lines[0].terms is None


def test_terms_stay_within_what_lua_holds(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "100000", country="US")], more=MORE)
    terms = priced(plan, request("sms", "+14155552671", segments=255)).lines[0].terms
    assert terms is not None
    assert terms.unit_numerator * terms.quantity <= AMOUNT_MICROS_MAX
