from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import Plan, Price, PriceRequest
from metering.rating.book import RateBook
from metering.rating.charges import bill_seconds
from metering.rating.groups import group_rates, map_following
from metering.rating.money import RoundingMode
from tests.rating.decks import NOON_MS, make_file, make_plan, make_row, priced, refused, request, sms, voice

prices = st.integers(0, 10**9)
seconds = st.integers(0, 100_000)


@settings(max_examples=300, deadline=None)
@given(
    price=prices,
    fee=prices,
    minimum=prices,
    first=st.integers(1, 120),
    following=st.integers(1, 120),
    used=seconds,
    mode=st.sampled_from(get_args(RoundingMode)),
    step=st.sampled_from(["0.000001", "0.01", "0.1", "1"]),
)
def test_call_costs_what_fractions_say_rounded_once(
    price: int, fee: int, minimum: int, first: int, following: int, used: int, mode: RoundingMode, step: str
) -> None:
    row = make_row(
        1, channel="voice", per="minute", price_micros=price, connect_fee_micros=fee, minimum_micros=minimum,
        first=first, next=following,
    )  # fmt: skip
    plan = Plan(make_file(mode, step), [row], {})
    billed = bill_seconds(used, first, following)
    exact = max(Fraction(minimum), fee + Fraction(price * billed, 60)) if billed else Fraction(0)
    unit = Fraction(step) * 1_000_000
    steps = exact / unit
    amount = priced(plan, request("voice", "+14155551234", seconds=used)).amount_micros
    assert amount % unit == 0
    distance = {"up": amount / unit - steps, "down": steps - amount / unit}.get(mode)
    if distance is not None:
        assert 0 <= distance < 1
    else:
        assert abs(amount / unit - steps) <= Fraction(1, 2)
    assert billed >= used
    assert billed < used + max(first, following)


@pytest.mark.parametrize(
    ("used", "expected"), [(0, 0), (1, 30), (30, 30), (31, 36), (36, 36), (37, 42), (60, 60), (61, 66)]
)
def test_call_is_billed_by_first_and_next_increment(used: int, expected: int) -> None:
    assert expected == bill_seconds(used, 30, 6)


def test_price_by_the_minute_is_divided_once(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [voice("1", "0.01", first=1, next=1)])
    price = priced(plan, request("voice", "+14155551234", seconds=7))
    assert price.amount_micros == 1_167  # 70,000 / 60 = 1,166.67
    assert price.quantity == 7


def test_call_of_no_seconds_costs_neither_fee_nor_minimum(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [voice("1", "1", connect_fee="0.5", minimum="3")])
    assert priced(plan, request("voice", "+14155551234", seconds=0)).amount_micros == 0
    assert priced(plan, request("voice", "+14155551234", seconds=1)).amount_micros == 3_000_000
    assert priced(plan, request("voice", "+14155551234", seconds=180)).amount_micros == 3_500_000


def test_call_that_has_just_begun_is_held_with_headroom(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [voice("1", "2")])
    asked = request("voice", "+14155551234")
    assert priced(plan, asked).amount_micros == 2_000_000
    held = plan.price_hold(asked)
    assert isinstance(held, Price)
    assert held.amount_micros == 4_000_000


def test_call_priced_by_the_call_costs_once_when_answered(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [voice("1", "0.25", per="call")])
    assert priced(plan, request("voice", "+14155551234", seconds=0)).amount_micros == 0
    assert priced(plan, request("voice", "+14155551234", seconds=900)).amount_micros == 250_000


def test_line_is_rounded_once_for_each_recipient(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.004")], mode="up", step="0.01")
    price = priced(plan, request("sms", ("+14155551234", "+14155551235"), segments=2))
    assert price.amount_micros == 20_000
    assert price.amount_by_recipient("+14155551235") == 10_000


def test_broadcast_of_several_countries_keeps_each_recipients_terms(tmp_path: Path) -> None:
    plan = make_plan(
        tmp_path,
        [
            sms("1", "0.01", country="US", charge_on="submit"),
            sms("44", "0.04", country="GB", charge_on="delivered", failed_fee="0.001"),
        ],
        [{"surcharge": "carrier_fee", "channel": "sms", "prefix": "1", "price": "0.003", "per": "segment"}],
    )
    numbers = ("+14155551234", "+447400123456", "+14155551235")
    price = priced(plan, request("broadcast", numbers, text="x" * 161))
    assert price.recipients is not None
    assert [price.recipients[to].amount_micros for to in numbers] == [26_000, 80_000, 26_000]
    assert [price.recipients[to].charge_on for to in numbers] == ["submit", "delivered", "submit"]
    assert [(line.charge, line.recipients) for line in price.lines] == [("rate", 2), ("carrier_fee", 2), ("rate", 1)]
    assert (
        price.amount_micros, price.charge_on, price.failed_fee_micros, price.quantity, price.country
    ) == (132_000, "delivered", 1_000, 6, "US")  # fmt: skip
    assert price.amount_micros == sum(line.amount_micros for line in price.lines)


def test_number_that_stands_twice_is_charged_twice(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.01")])
    price = priced(plan, request("sms", ("+14155551234", "+14155551234"), segments=1))
    assert price.amount_micros == 20_000
    assert price.amount_by_recipient("+14155551234") == 10_000


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request("sms", "+79161234567", segments=1), "unrated"),
        (request("sms", "+1900555123", segments=1), "rejected_destination"),
        (request("sms", "4155551234", segments=1), "invalid_number"),
        (request("sms", "+0155551234", segments=1), "invalid_number"),
        (request("sms", "+1415555١٢٣٤", segments=1), "invalid_number"),
        (request("sms", "+1234567890123456", segments=1), "invalid_number"),
        (request("sms", "+14155551234\n", segments=1), "invalid_number"),
        (request("sms", (), segments=1), "invalid_number"),
        (request("sms", ("+14155551234",) * 1001, segments=1), "too_many"),
        (request("sms", "+14155551234", segments=256), "too_many"),
        (request("sms", "+14155551234", text="a" * (255 * 153 + 1)), "too_many"),
        (request("sms", "+14155551234", segments=0), "unpriced"),
        (request("sms", "+14155551234", segments=-1), "unpriced"),
        (request("sms", "+14155551234"), "unpriced"),
        (request("sms", "+14155551234", segments=1, sender_type="pigeon"), "unpriced"),
        (request("voice", "+14155551234", seconds=-1), "unpriced"),
        (request("voice", "+14155551234", seconds=40 * 86_400), "unpriced"),
        (request("mms", "+14155551234"), "unrated"),
        (request("voice", "+14155551234", seconds=31 * 86_400), "amount_too_large"),
    ],
)
def test_what_cannot_be_priced_is_refused_with_its_reason(tmp_path: Path, asked: PriceRequest, reason: str) -> None:
    plan = make_plan(
        tmp_path, [sms("1", "0.01"), sms("1900", "", reject="yes"), voice("1", "900000000", connect_fee="0")]
    )
    assert reason == refused(plan, asked).reason


def test_longest_text_is_priced(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.01")])
    assert priced(plan, request("sms", "+14155551234", text="a" * 255 * 153)).quantity == 255


def test_one_unrated_recipient_refuses_the_broadcast(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.01")])
    refusal = refused(plan, request("broadcast", ("+14155551234", "+447400123456"), segments=1))
    assert (refusal.reason, refusal.country) == ("unrated", "GB")


def test_surcharge_of_nothing_ends_the_one_of_a_shorter_prefix(tmp_path: Path) -> None:
    fee = {"surcharge": "carrier_fee", "channel": "sms", "per": "segment"}
    plan = make_plan(
        tmp_path,
        [sms("1", "0.01")],
        [{**fee, "prefix": "1", "price": "0.003"}, {**fee, "prefix": "1242", "price": "0"}],
    )
    assert [line.charge for line in priced(plan, request("sms", "+12425551234", segments=1)).lines] == ["rate"]
    price = plan.price_sms("+12425551234", 1, NOON_MS, None, None)
    assert isinstance(price, Price)
    assert price.amount_micros == 10_000


def test_rate_json_names_the_row_and_redoes_the_sum(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1415", "0.0075", effective_from="2026-01-01")])
    price = priced(plan, request("sms", "+14155551234", text="a" * 161))
    line = price.lines[0]
    assert [
        {
            "charge": "rate", "deck": "deck", "deck_version": line.deck_version, "prefix": "+1415",
            "effective_from_ms": 1_767_225_600_000, "per": "segment", "unit_price_micros": 7_500, "quantity": 2,
            "amount_micros": 15_000,
        }
    ] == msgspec.json.decode(price.rate_json)  # fmt: skip


def test_line_shows_the_next_scheduled_price(tmp_path: Path) -> None:
    rows = [sms("1", "0.01", effective_from="2026-01-01"), sms("1", "0.02", effective_from="2026-07-01T00:00:00Z")]
    line = priced(make_plan(tmp_path, rows), request("sms", "+14155551234", segments=1)).lines[0]
    assert (line.next_price_micros, line.next_from_ms) == (20_000, 1_782_864_000_000)


def test_broadcast_is_priced_as_what_it_is_made_of(tmp_path: Path) -> None:
    rows = [sms("1", "0.01"), voice("1", "0.6")]
    rows.append({"channel": "mms", "direction": "outbound", "prefix": "1", "price": "0.02", "per": "recipient"})
    plan = make_plan(tmp_path, rows)
    assert priced(plan, request("broadcast", "+14155551234", text="x")).amount_micros == 10_000
    assert priced(plan, request("broadcast", "+14155551234", text="x", media=1)).amount_micros == 20_000
    assert priced(plan, request("broadcast", "+14155551234", seconds=60)).amount_micros == 600_000


def test_sender_counts_parts_itself_and_is_believed(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "0.01")])
    assert priced(plan, request("sms", "+14155551234", text="x" * 400, segments=1)).quantity == 1
    assert priced(plan, request("sms", "+14155551234", encoding="ucs2", characters=71)).quantity == 2


def test_book_names_rows_that_follow() -> None:
    rows = [make_row(1), make_row(2, from_ms=NOON_MS), make_row(3, prefix="+14")]
    book = RateBook(make_file("up", "1"), rows, map_following(group_rates(rows)))
    assert rows[1] is book.following(rows[0])
    assert book.following(rows[1]) is None
    assert book.following(rows[2]) is None
