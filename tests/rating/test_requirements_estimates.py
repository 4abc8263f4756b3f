"""The requirements' rows about estimates, on the shipped plans."""

from __future__ import annotations

import msgspec
import pytest

from metering.rating.estimate import Estimate, EstimateRequest, estimate
from tests.rating.decks import NOON_MS, priced, request, shipped

US = "+14155552671"
CREDIT = 1_000_000


def people(count: int) -> tuple[str, ...]:
    return tuple(f"+1415555{number:04d}" for number in range(count))


def cost(channel: str, to: str | tuple[str, ...] = US, **more: object) -> int:
    return priced(shipped().plans["rollover-credits"], request(channel, to, **more)).amount_micros


def estimated(**fields: object) -> Estimate:
    asked = msgspec.convert({"plan": "rollover-credits", "to": US, **fields}, EstimateRequest)
    return estimate(shipped(), asked, NOON_MS)


@pytest.mark.requirement("PL-26")
def test_estimate_is_never_final() -> None:
    assert estimated(channel="voice", seconds=60).final is False


@pytest.mark.requirement("PL-27")
@pytest.mark.parametrize(("characters", "expected"), [(160, 1), (161, 2)])
def test_estimate_changes_at_the_161st_character_and_equals_the_debit(characters: int, expected: int) -> None:
    text = "x" * characters
    answer = estimated(channel="sms", text=text)
    assert expected * CREDIT == answer.amount_micros == cost("sms", text=text)


@pytest.mark.requirement("PL-28")
def test_estimate_has_a_breakdown() -> None:
    answer = estimated(channel="broadcast", to=["+14155552671", "+14155552672"], seconds=61, machine_detection=True)
    assert [
        (line.to, line.rate.charge, line.quantity, line.amount_micros, line.rate.country) for line in answer.lines
    ] == [
        ("+14155552671", "rate", 120, 4 * CREDIT, "US"),
        ("+14155552671", "machine_detection", 1, CREDIT // 2, ""),
        ("+14155552672", "rate", 120, 4 * CREDIT, "US"),
        ("+14155552672", "machine_detection", 1, CREDIT // 2, ""),
    ]


@pytest.mark.requirement("PL-29")
def test_estimate_of_a_text_has_credits_and_characters() -> None:
    answer = estimated(channel="sms", text="x" * 161)
    assert (answer.amount_micros, answer.characters) == (2 * CREDIT, 161)


@pytest.mark.requirement("PL-30")
def test_estimate_of_a_voice_broadcast_has_its_need_of_credit() -> None:
    answer = estimated(channel="broadcast", to=list(people(10)), seconds=60, machine_detection=True)
    assert answer.amount_micros == 25 * CREDIT


@pytest.mark.requirement("PL-31")
def test_estimate_for_a_group_is_its_size_times_that_for_one() -> None:
    one = estimated(channel="sms", text="x" * 200).amount_micros
    group = estimated(channel="sms", to=list(people(25)), text="x" * 200)
    assert one is not None
    assert 25 * one == group.amount_micros


@pytest.mark.requirement("BM-13")
def test_estimated_amount_of_a_broadcast_is_known_before_it_is_created() -> None:
    numbers = [f"+9198123456{number:02d}" for number in range(80)]
    asked = msgspec.convert(
        {"plan": "currency-inr", "channel": "broadcast", "to": numbers, "text": "Sale today"}, EstimateRequest
    )
    answer = estimate(shipped(), asked, NOON_MS)
    plan = shipped().plans["currency-inr"]
    assert answer.unit == "INR"
    assert answer.amount_micros == 80 * priced(plan, request("sms", numbers[0], text="Sale today")).amount_micros
