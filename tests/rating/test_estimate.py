from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import Price
from metering.rating.estimate import estimate_json
from metering.rating.times import parse_moment
from tests.rating.decks import NOON_MS, request, shipped


def ask(**fields: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(estimate_json(shipped(), json.dumps(fields), NOON_MS))
    return answer


def test_answer_has_the_form_that_is_written_down() -> None:
    assert without_version(ask(plan="payg-usd", channel="sms", to="+447400123456", text="x" * 161)) == {
        "encoding": "gsm7", "characters": 161, "segments": 2, "unit": "USD", "amount_micros": 201_600, "final": False,
        "lines": [
            {
                "to": "+447400123456", "quantity": 2, "amount_micros": 201_600,
                "rate": {
                    "charge": "rate", "deck": "world-sms", "prefix": "+4474", "destination": "United Kingdom, mobile",
                    "country": "GB", "effective_from": "2025-01-01T00:00:00Z", "per": "segment",
                    "unit_price_micros": 100_800, "next_price_micros": 95_800, "next_from": "2027-04-01T00:00:00Z",
                },
            }
        ],
        "error": None,
    }  # fmt: skip


def without_version(answer: dict[str, Any]) -> dict[str, Any]:
    for line in answer["lines"]:
        assert len(line["rate"].pop("deck_version")) == 12
    return answer


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "invalid_request"),
        ("[]", "invalid_request"),
        ("{}", "invalid_request"),
        ('{"channel":"fax","to":"+14155552671"}', "invalid_request"),
        ('{"channel":"sms","to":"+14155552671","colour":1}', "invalid_request"),
        ('{"channel":"sms","to":"+14155552671","text":"x","at":"tomorrow"}', "invalid_request"),
        ('{"channel":"sms","to":"+14155552671","text":"x","mcc_mnc":"x"}', "invalid_request"),
        ('{"channel":"sms","to":"+14155552671","text":"x","plan":"none"}', "unknown_plan"),
        ('{"channel":"sms","to":"+14155552671"}', "unpriced"),
        ('{"channel":"sms","to":"+979123456789","text":"x"}', "unrated"),
        ('{"channel":"sms","to":"+8881234567","text":"x"}', "rejected_destination"),
        ('{"channel":"sms","to":"12345","text":"x"}', "invalid_number"),
        ('{"channel":"sms","to":"","text":"x"}', "invalid_number"),
        ('{"channel":"sms","to":[],"text":"x"}', "invalid_number"),
    ],
)
def test_request_that_cannot_be_priced_is_answered_with_an_error(line: str, code: str) -> None:
    answer = json.loads(estimate_json(shipped(), line, NOON_MS))
    assert code == answer["error"]["code"]
    assert answer["error"]["message"]
    assert (answer["amount_micros"], answer["lines"]) == (None, [])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=100))
def test_any_line_is_answered(line: bytes) -> None:
    assert json.loads(estimate_json(shipped(), line, NOON_MS))["error"] is not None


def test_number_may_be_written_as_people_write_it() -> None:
    numbers = ["+44 7400 123456", "00447400123456", "07400 123456"]
    answers = [ask(channel="sms", to=number, country="GB", text="x") for number in numbers]
    assert {"+447400123456"} == {answer["lines"][0]["to"] for answer in answers}


def test_time_of_the_request_chooses_the_price() -> None:
    before, after = (
        ask(channel="sms", to="+447400123456", text="x", at=at)["amount_micros"]
        for at in ("2027-03-31T23:59:59.999Z", "2027-04-01T01:00:00+01:00")
    )
    assert (before, after) == (100_800, 95_800)


channels = st.fixed_dictionaries(
    {"channel": st.sampled_from(["sms", "mms", "voice", "conversation", "broadcast"])},
    optional={
        "text": st.text(max_size=200),
        "segments": st.integers(0, 300),
        "seconds": st.integers(0, 4000),
        "media": st.integers(0, 2),
        "sender_type": st.sampled_from(["long_code", "toll_free", "short_code", "alphanumeric"]),
        "mcc_mnc": st.sampled_from(["310260", "23415"]),
        "conversation_class": st.sampled_from(["free", "user_initiated"]),
        "machine_detection": st.booleans(),
        "direction": st.sampled_from(["outbound", "inbound"]),
    },
)
recipients = st.lists(
    st.sampled_from(["+14155552671", "+12425551234", "+447400123456", "+979123456789", "+919812345678"]),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(fields=channels, to=recipients, plan=st.sampled_from(["payg-usd", "rollover-credits", "currency-inr"]))
def test_estimate_is_the_number_of_the_later_debit(fields: dict[str, Any], to: list[str], plan: str) -> None:
    answer = ask(plan=plan, to=to, **fields)
    price = shipped().plans[plan].price(request(fields.pop("channel"), tuple(to), **fields))
    if isinstance(price, Price):
        assert (price.amount_micros, price.encoding) == (answer["amount_micros"], answer["encoding"])
        assert price.amount_micros == sum(line["amount_micros"] for line in answer["lines"])
        assert price.amount_micros == sum(price.amount_by_recipient(number) for number in to)
    else:
        assert price.reason == answer["error"]["code"]


def test_instant_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        parse_moment("2026-01-01T00:00:00")
