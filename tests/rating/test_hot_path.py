from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import Plan, Price, Refusal
from metering.rating.lane import Reach
from metering.rating.numbers import is_e164
from metering.rating.segments import count_segments
from metering.rating.times import BEGINNING_MS, END_MS
from tests.rating.decks import NOON_MS, make_file, make_plan, make_row, refused, request, shipped, sms

hot_numbers = st.sampled_from(["+14155551234", "+12125551234", "+447400123456", "+19005551234", "+79161234567", "+1x"])


@settings(max_examples=250, deadline=None)
@given(
    data=st.data(),
    to=hot_numbers,
    sender=st.sampled_from([None, "long_code", "toll_free"]),
    network=st.sampled_from([None, "310260", "23415"]),
    at_ms=st.integers(NOON_MS - 10, NOON_MS + 10),
    text=st.text(st.sampled_from("aé€я"), max_size=700),
)
def test_hot_path_gives_the_same_price_as_the_general_one(
    data: st.DataObject, to: str, sender: str | None, network: str | None, at_ms: int, text: str
) -> None:
    plan = _plans()[data.draw(st.integers(0, 1))]
    counted = count_segments(text)
    asked = request("sms", to, text=text, at_ms=at_ms, sender_type=sender, mcc_mnc=network)
    general = plan.price(asked)
    hot = plan.price_sms(to, counted.segments, at_ms, sender, network, counted.characters)
    if isinstance(general, Refusal):
        assert isinstance(hot, Refusal)
        assert (general.reason, general.country) == (hot.reason, hot.country)
        return
    assert isinstance(hot, Price)
    without_text = msgspec.structs.replace(general, encoding=None, characters=0)
    assert without_text == msgspec.structs.replace(hot, segments=counted.segments)


_PLANS: list[Plan] = []


def _plans() -> list[Plan]:
    if not _PLANS:
        for segmenting in ("gsm7_ucs2", "flat160"):
            rows = [
                make_row(1, segmenting=segmenting),
                make_row(2, prefix="+1415", price_micros=20_000, sender_type="toll_free", segmenting=segmenting),
                make_row(3, prefix="+1415", price_micros=15_000, from_ms=NOON_MS, segmenting=segmenting),
                make_row(4, prefix="+1900", reject=True),
                make_row(5, prefix="+44", country="GB", price_micros=40_000, per="message", to_ms=NOON_MS + 5),
                make_row(6, prefix="", mcc_mnc="310", price_micros=9_000, charge_on="sent", segmenting=segmenting),
                make_row(7, charge="carrier_fee", price_micros=3_000),
                make_row(8, charge="carrier_fee", prefix="+1212", price_micros=0),
                make_row(9, charge="carrier_fee", prefix="+14155", price_micros=5_000, per="message", to_ms=NOON_MS),
                make_row(10, charge="carrier_fee", prefix="", mcc_mnc="310260", sender_type="toll_free"),
            ]
            _PLANS.append(Plan(make_file("half_up", "0.000001"), rows, {}))
    return _PLANS


def test_prices_to_one_number_are_shared_between_calls(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.01")])
    first = plan.price_sms("+14155551234", 2, NOON_MS, None, None)
    assert first is plan.price_sms("+12125551234", 2, NOON_MS + 1, None, None)


def test_prices_that_were_forgotten_come_out_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metering.rating.book._PRICES_MAX", 3)
    plan = make_plan(tmp_path, [sms("1", "0.01"), sms("44", "0.04")])
    for _ in range(3):
        for to, each in (("+14155551234", 10_000), ("+447400123456", 40_000)):
            for segments in (1, 2, 3):
                price = plan.price_sms(to, segments, NOON_MS, None, None)
                assert isinstance(price, Price)
                assert each * segments == price.amount_micros


def test_amounts_beyond_what_lua_holds_are_refused(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "9007199254")])
    assert isinstance(plan.price_sms("+14155551234", 1, NOON_MS, None, None), Price)
    hot = plan.price_sms("+14155551234", 2, NOON_MS, None, None)
    assert isinstance(hot, Refusal)
    assert hot.reason == "amount_too_large"
    assert refused(plan, request("sms", ("+14155551234",) * 2, segments=1)).reason == "amount_too_large"


@settings(max_examples=400, deadline=None)
@given(
    to=hot_numbers.filter(lambda number: number != "+1x") | st.integers(10_000, 10**15 - 1).map("+{}".format),
    digits=st.text("0123456789", max_size=15),
    sender=st.sampled_from([None, "long_code", "toll_free"]),
    at_ms=st.integers(NOON_MS - 10, NOON_MS + 10),
    then_ms=st.integers(NOON_MS - 10, NOON_MS + 10),
    segments=st.integers(1, 255),
    characters=st.integers(0, 400),
)
def test_price_is_the_same_as_far_as_it_reaches(
    to: str, digits: str, sender: str | None, at_ms: int, then_ms: int, segments: int, characters: int
) -> None:
    for plan in (*_plans(), shipped().plans["payg-usd"]):
        price = plan.price_sms(to, segments, at_ms, sender, None, characters)
        reach = plan.sms_reach(to, at_ms, sender)
        other = to if len(to) < reach.characters else (to[: reach.characters] + digits)[:16]
        if isinstance(price, Price) and reach.from_ms <= then_ms < reach.to_ms and is_e164(other):
            assert price == plan.price_sms(other, segments, then_ms, sender, None, None)


def test_price_reaches_as_far_as_prefixes_and_times_go() -> None:
    plan, flat = _plans()
    assert plan.sms_reach("+14165551234", NOON_MS, None) == Reach(6, BEGINNING_MS, END_MS)
    assert plan.sms_reach("+14155551234", NOON_MS, None) == Reach(6, 0, 0)
    assert plan.sms_reach("+14156661234", NOON_MS, None) == Reach(6, NOON_MS, END_MS)
    assert plan.sms_reach("+14156661234", NOON_MS - 1, None) == Reach(6, 0, 0)
    assert plan.sms_reach("+447400123456", NOON_MS, None) == Reach(4, BEGINNING_MS, NOON_MS + 5)
    assert plan.sms_reach("+447400123456", NOON_MS + 5, None) == Reach(4, 0, 0)
    assert flat.sms_reach("+14155551234", NOON_MS, None) == Reach(6, 0, 0)
