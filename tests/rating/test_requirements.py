"""Every numeric example of the requirements' rating rows, on the shipped plans. Leaves estimates to their own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from metering.rating import Plan, Price
from metering.rating.recurring import fees_due, is_sender_type_enabled
from metering.rating.times import parse_moment
from tests.rating.decks import make_plan, priced, refused, request, shipped, sms

US = "+14155552671"
CREDIT = 1_000_000


def credits_plan() -> Plan:
    return shipped().plans["rollover-credits"]


def cost(channel: str, to: str | tuple[str, ...] = US, **more: object) -> int:
    return priced(credits_plan(), request(channel, to, **more)).amount_micros


def people(count: int) -> tuple[str, ...]:
    return tuple(f"+1415555{number:04d}" for number in range(count))


@pytest.mark.requirement("PL-02")
@pytest.mark.parametrize(
    ("channel", "size"), [("sms", {"text": "hi"}), ("mms", {"media": 1}), ("voice", {"seconds": 60})]
)
def test_received_usage_is_priced_even_at_nothing(channel: str, size: dict[str, object]) -> None:
    price = priced(credits_plan(), request(channel, US, direction="inbound", **size))
    assert (price.amount_micros, len(price.lines)) == (0, 1)


@pytest.mark.requirement("PL-13")
def test_two_countries_have_two_prices_and_an_unknown_one_has_none() -> None:
    assert cost("sms", US, text="hi") != cost("sms", "+46701234567", text="hi")
    assert refused(credits_plan(), request("sms", "+979123456789", text="hi")).reason == "unrated"


@pytest.mark.requirement("PL-14")
@pytest.mark.parametrize(("recipients", "expected"), [(1, 2), (5, 10)])
def test_picture_costs_two_credits_for_each_recipient(recipients: int, expected: int) -> None:
    assert expected * CREDIT == cost("mms", people(recipients), media=1)


@pytest.mark.requirement("PL-15")
@pytest.mark.parametrize(("characters", "expected"), [(1, 1), (160, 1), (161, 2), (320, 2), (321, 3)])
def test_text_costs_a_credit_for_each_started_160_characters(characters: int, expected: int) -> None:
    assert expected * CREDIT == cost("sms", text="x" * characters)


@pytest.mark.requirement("PL-15")
def test_161_characters_to_four_people_cost_eight_credits() -> None:
    assert cost("sms", people(4), text="x" * 161) == 8 * CREDIT


@pytest.mark.requirement("PL-15")
def test_segmenting_of_the_row_decides_between_blocks_and_parts(tmp_path: Path) -> None:
    blocks = make_plan(tmp_path / "blocks", [sms("1", "1", segmenting="flat160")])
    parts = make_plan(tmp_path / "parts", [sms("1", "1", segmenting="gsm7_ucs2")])
    asked = request("sms", US, text="x" * 320)
    assert [priced(plan, asked).amount_micros for plan in (blocks, parts)] == [2 * CREDIT, 3 * CREDIT]


@pytest.mark.requirement("PL-16")
def test_received_text_is_free_in_the_us() -> None:
    assert cost("sms", direction="inbound", text="x" * 500) == 0


@pytest.mark.requirement("PL-17")
@pytest.mark.parametrize(("seconds", "expected"), [(60, 2), (61, 4), (0, 0)])
def test_voice_broadcast_costs_two_credits_a_started_minute(seconds: int, expected: int) -> None:
    assert expected * CREDIT == cost("broadcast", seconds=seconds)


@pytest.mark.requirement("PL-18")
@pytest.mark.parametrize(
    ("count", "detection", "expected"), [(10, True, 25_000_000), (10, False, 20_000_000), (1, True, 2_500_000)]
)
def test_machine_detection_costs_half_a_credit_a_number(count: int, detection: bool, expected: int) -> None:
    assert expected == cost("broadcast", people(count), seconds=60, machine_detection=detection)


@pytest.mark.requirement("PL-18")
def test_machine_detection_is_charged_for_numbers_that_do_not_answer() -> None:
    assert cost("broadcast", people(2), seconds=0, machine_detection=True) == CREDIT


@pytest.mark.requirement("PL-19")
def test_call_of_three_minutes_costs_six_credits() -> None:
    assert cost("voice", seconds=180) == 6 * CREDIT


@pytest.mark.requirement("PL-20")
@pytest.mark.parametrize(("characters", "expected"), [(160, 1_500_000), (161, 3_000_000)])
def test_toll_free_text_costs_one_and_a_half_credits_a_block(characters: int, expected: int) -> None:
    assert expected == cost("sms", text="x" * characters, sender_type="toll_free")


def reprocessed(characters: int) -> dict[str, object]:
    return {"feature": "reprocessed", "text": "x" * characters, "sender_type": "toll_free"}


@pytest.mark.requirement("PL-21")
@pytest.mark.parametrize(("characters", "expected"), [(160, 1), (161, 2), (320, 2)])
def test_reprocessing_costs_a_credit_a_block_as_a_line_of_its_own(characters: int, expected: int) -> None:
    price = priced(credits_plan(), request("sms", US, **reprocessed(characters)))
    assert expected * CREDIT == price.amount_micros
    assert [line.charge for line in price.lines] == ["reprocessing"]


@pytest.mark.requirement("PL-21")
def test_reprocessing_that_is_switched_off_is_not_priced(tmp_path: Path) -> None:
    fee = {"surcharge": "reprocessing", "channel": "sms", "prefix": "1", "price": "1", "per": "segment"}
    plan = make_plan(tmp_path, [sms("1", "1.5")], [fee], more="policy: { reprocessing_enabled: false }")
    assert refused(plan, request("sms", US, **reprocessed(160))).reason == "unrated"


@pytest.mark.requirement("PL-21")
def test_reprocessing_that_replaces_takes_back_the_first_price(tmp_path: Path) -> None:
    fee = {"surcharge": "reprocessing", "channel": "sms", "prefix": "1", "price": "1", "per": "segment"}
    plan = make_plan(tmp_path, [sms("1", "1.5")], [fee], more="policy: { reprocess_mode: replace }")
    price = priced(plan, request("sms", US, **reprocessed(160)))
    assert [(line.charge, line.amount_micros) for line in price.lines] == [
        ("reprocessing", 1_000_000),
        ("rate", -1_500_000),
    ]
    assert price.amount_micros == -500_000


@pytest.mark.requirement("PL-22")
def test_shared_short_code_needs_its_fee_or_a_keyword() -> None:
    plan = credits_plan().file
    assert not is_sender_type_enabled(plan, "short_code", [])
    assert is_sender_type_enabled(plan, "short_code", ["shared-short-code"])
    assert is_sender_type_enabled(plan, "short_code", ["premium-keyword"])
    assert is_sender_type_enabled(plan, "long_code", [])


@pytest.mark.requirement("PL-22")
def test_shared_short_code_costs_five_dollars_a_month_unless_a_keyword_is_reserved() -> None:
    plan = credits_plan().file
    assert [(fee.price, fee.currency, fee.every) for fee in fees_due(plan, ["shared-short-code"])] == [
        ("5", "USD", "month")
    ]
    assert fees_due(plan, ["shared-short-code", "premium-keyword"]) == ()
    assert fees_due(plan, []) == ()


@pytest.mark.requirement("PL-23")
def test_forwarded_call_of_two_minutes_costs_six_credits() -> None:
    assert cost("voice", feature="forwarded", direction="inbound", seconds=120) == 6 * CREDIT


@pytest.mark.requirement("PL-24")
@pytest.mark.parametrize("seconds", [5, 500])
def test_voicemail_costs_one_more_credit_however_long(seconds: int) -> None:
    forwarded = cost("voice", feature="forwarded", seconds=120)
    recorded = cost("voice", feature="voicemail_recorded", seconds=seconds)
    assert forwarded + recorded == 7 * CREDIT


@pytest.mark.requirement("PL-24")
def test_voicemail_without_forwarding_is_free_where_the_plan_says_so(tmp_path: Path) -> None:
    fee = {"surcharge": "voicemail_recording", "channel": "voice", "prefix": "*", "price": "1", "per": "call"}
    plan = make_plan(tmp_path, [sms("1", "1")], [fee], more="policy: { voicemail_without_forwarding: false }")
    price = priced(plan, request("voice", US, feature="voicemail_recorded", direction="inbound"))
    assert (price.amount_micros, price.lines) == (0, ())
    after = priced(plan, request("voice", US, feature="voicemail_recorded", direction="forwarded"))
    assert after.amount_micros == CREDIT


@pytest.mark.requirement("PL-25")
def test_transcript_costs_four_more_credits() -> None:
    total = cost("voice", feature="forwarded", seconds=120)
    total += cost("voice", feature="voicemail_recorded", seconds=30)
    total += cost("voice", feature="voicemail_transcribed", seconds=30)
    assert total == (6 + 1 + 4) * CREDIT


@pytest.mark.requirement("PL-25")
def test_transcript_that_includes_the_recording_costs_four_in_all(tmp_path: Path) -> None:
    base = {"channel": "voice", "prefix": "*", "per": "call"}
    fees = [
        {**base, "surcharge": "voicemail_recording", "price": "1"},
        {**base, "surcharge": "voicemail_transcription", "price": "4"},
    ]
    plan = make_plan(tmp_path, [sms("1", "1")], fees, more="policy: { transcription_includes_recording: true }")
    recorded = priced(plan, request("voice", US, feature="voicemail_recorded"))
    transcribed = priced(plan, request("voice", US, feature="voicemail_transcribed"))
    assert recorded.amount_micros + transcribed.amount_micros == 4 * CREDIT


@pytest.mark.requirement("PL-26")
def test_call_is_held_with_headroom_and_settled_at_what_it_cost() -> None:
    held = credits_plan().price_hold(request("voice", US, seconds=60))
    assert isinstance(held, Price)
    assert (held.amount_micros, cost("voice", seconds=180)) == (4 * CREDIT, 6 * CREDIT)


@pytest.mark.requirement("PL-59")
def test_number_consumes_its_recurring_rate() -> None:
    price = priced(credits_plan(), request("number", US))
    assert (price.amount_micros, price.lines[0].charge, price.lines[0].per) == (500 * CREDIT, "number_rental", "cycle")


@pytest.mark.requirement("BM-11")
@pytest.mark.parametrize("plan", ["currency-inr", "currency-usd"])
def test_conversations_are_priced_by_class_and_free_ones_at_nothing(plan: str) -> None:
    amounts = {
        named: priced(
            shipped().plans[plan], request("conversation", "+919812345678", conversation_class=named)
        ).amount_micros
        for named in ("free", "user_initiated", "business_initiated")
    }
    assert 0 == amounts["free"] < amounts["user_initiated"] < amounts["business_initiated"]


@pytest.mark.requirement("INF-08")
def test_backdated_event_has_the_price_of_its_time() -> None:
    plan = shipped().plans["payg-usd"]
    before, after = (
        priced(plan, request("sms", "+33612345678", segments=1, at_ms=parse_moment(at)))
        for at in ("2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00Z")
    )
    assert before.lines[0].next_price_micros == after.amount_micros
    assert before.amount_micros != after.amount_micros


@pytest.mark.requirement("INF-09")
def test_emoji_text_of_71_characters_has_two_parts() -> None:
    price = priced(shipped().plans["payg-usd"], request("sms", US, text="😀" + "x" * 69))
    assert (price.encoding, price.characters, price.segments) == ("ucs2", 71, 2)


@pytest.mark.requirement("INF-10")
@pytest.mark.parametrize(
    ("to", "prefix", "country"),
    [
        ("+14155551234", "+1415555", "US"),
        ("+14155541234", "+1415", "US"),
        ("+12425551234", "+1242", "BS"),
        ("+442079460000", "+44", "GB"),
        ("+447400123456", "+4474", "GB"),
        ("+447797712345", "+447797", "JE"),
        ("+77011234567", "+77", "KZ"),
        ("+74951234567", "+7", "RU"),
    ],
)
def test_longest_dialling_prefix_decides_country_and_rate(to: str, prefix: str, country: str) -> None:
    price = priced(shipped().plans["payg-usd"], request("sms", to, segments=1))
    assert (prefix, country) == (price.lines[0].prefix, price.country)
