"""The terms of a call give the prices that its plan gives, for any seconds. Leaves multiplying in Lua to its tests."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import Plan
from metering.rating.calls import price_call
from metering.rating.money import RoundingMode
from metering.rating.size import SECONDS_MAX
from tests.rating.decks import make_file, make_row, priced, request

TO = "+14155551234"
amounts = st.integers(0, 10**8)


@settings(max_examples=300, deadline=None)
@given(
    price=amounts,
    fee=amounts,
    minimum=amounts,
    first=st.integers(1, 120),
    following=st.integers(1, 120),
    asked=st.integers(0, 4_000),
    used=st.integers(0, SECONDS_MAX),
    per=st.sampled_from(["minute", "second", "call"]),
    mode=st.sampled_from(get_args(RoundingMode)),
    step=st.sampled_from(["0.000001", "0.01", "0.1", "1"]),
)
def test_terms_price_a_call_as_its_plan_does(
    price: int, fee: int, minimum: int, first: int, following: int, asked: int, used: int, per: str,
    mode: RoundingMode, step: str,
) -> None:  # fmt: skip
    row = make_row(
        1, channel="voice", per=per, price_micros=price, connect_fee_micros=fee, minimum_micros=minimum, first=first,
        next=following,
    )  # fmt: skip
    plan = Plan(make_file(mode, step), [row], {})
    terms = plan.call_terms(request("voice", TO, seconds=asked), asked)
    assert terms is not None
    held = plan.price_hold(request("voice", TO, seconds=asked))

    assert price_call(terms, used) == priced(plan, request("voice", TO, seconds=used)).amount_micros
    assert price_call(terms, asked, terms.headroom_seconds) == held.amount_micros  # type: ignore[union-attr]


@pytest.mark.parametrize(("price", "exact"), [(10**9, True), (10**14, False)])
def test_call_whose_sums_might_not_be_exact_has_no_terms(price: int, *, exact: bool) -> None:
    row = make_row(1, channel="voice", per="second", price_micros=price, first=1, next=1)
    plan = Plan(make_file("half_up", "0.000001"), [row], {})

    assert (plan.call_terms(request("voice", TO, seconds=1), 1) is not None) is exact


def test_text_has_no_terms() -> None:
    row = make_row(1, channel="sms", per="segment", price_micros=1)
    plan = Plan(make_file("half_up", "0.000001"), [row], {})

    assert plan.call_terms(request("sms", TO, segments=1), 1) is None
