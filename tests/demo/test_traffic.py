"""The traffic of the demo: the same for the same seed, valid whole, and lively."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from metering.cli.demonstration.customers import customer_name, open_commands
from metering.cli.demonstration.traffic import SPAN_SECONDS, generate
from metering.rating import PriceRequest, Refusal, load_catalog
from metering.worker.decoding import UsageInput, decode_command, decode_usage

ENDS_AT_MS = 1_790_000_000_000
WINDOW_MS = 24 * 3_600_000
EVENTS = 20_000
CUSTOMERS = 40


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return list(generate(1, EVENTS, CUSTOMERS, ENDS_AT_MS))


@pytest.fixture(scope="module")
def events(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def test_same_seed_gives_the_same_bytes(lines: list[bytes]) -> None:
    assert lines == list(generate(1, EVENTS, CUSTOMERS, ENDS_AT_MS))
    assert lines != list(generate(2, EVENTS, CUSTOMERS, ENDS_AT_MS))


@pytest.mark.parametrize("count", [0, 1, 7, 1_000])
def test_exactly_as_many_events_come_as_were_asked_for(count: int) -> None:
    assert count == len(list(generate(1, count, CUSTOMERS, ENDS_AT_MS)))


def test_every_event_is_valid(lines: list[bytes]) -> None:
    rejected = [line for line in lines if not isinstance(decode_usage(line, ENDS_AT_MS, WINDOW_MS), UsageInput)]
    assert rejected == []


def test_time_runs_forward_up_to_the_given_end(lines: list[bytes]) -> None:
    times = []
    for line in dict.fromkeys(lines):
        decoded = decode_usage(line, ENDS_AT_MS, WINDOW_MS)
        assert isinstance(decoded, UsageInput)
        times.append(decoded.time_ms)
    assert times == sorted(times)
    assert ENDS_AT_MS - SPAN_SECONDS * 1_000 <= times[0] <= times[-1] < ENDS_AT_MS


def test_all_customers_and_channels_take_part(events: list[dict[str, Any]]) -> None:
    assert {event["data"]["customer"] for event in events} == {customer_name(number) for number in range(CUSTOMERS)}
    subjects = {event["type"].partition(".")[0] for event in events}
    assert subjects == {"sms", "mms", "voice", "broadcast", "conversation", "usage", "charge"}
    outcomes = {event["type"].partition(".")[2] for event in events}
    assert {"sent", "delivered", "failed", "cancelled", "ended", "extended", "received"} <= outcomes


def test_texts_are_of_many_scripts_with_emoji(events: list[dict[str, Any]]) -> None:
    text = "".join(event["data"].get("text", "") for event in events)
    for letter in "aóщδعहกで验인ქ":
        assert letter in text, letter
    assert "👨‍👩‍👧‍👦" in text
    assert "👍🏽" in text


def test_outcome_comes_after_its_submission(events: list[dict[str, Any]]) -> None:
    seen = set()
    for event in events:
        if event["type"].endswith((".submitted", ".started", ".recorded")):
            seen.add(event["data"]["charge_id"])
        elif "charge_id" in event["data"]:
            assert event["data"]["charge_id"] in seen


def test_some_events_come_twice_byte_for_byte(lines: list[bytes]) -> None:
    repeats = len(lines) - len(set(lines))
    assert 20 < repeats < 200
    names = Counter((json.loads(line)["source"], json.loads(line)["id"]) for line in set(lines))
    assert max(names.values()) == 1


def test_nearly_all_destinations_have_a_price_and_some_do_not(events: list[dict[str, Any]]) -> None:
    plan = load_catalog().plans["payg-usd"]
    answers = Counter[str]()
    countries = set()
    for event in events:
        data = event["data"]
        if event["type"] == "sms.submitted":
            answer = plan.price(
                PriceRequest(
                    channel="sms",
                    to=(data["to"],),
                    at_ms=ENDS_AT_MS,
                    text=data.get("text"),
                    segments=data.get("segments"),
                    encoding=data.get("encoding"),
                    characters=data.get("characters"),
                    sender_type=data["sender_type"],
                )
            )
            answers[answer.reason if isinstance(answer, Refusal) else "priced"] += 1
            countries.add(answer.country)
    assert answers["priced"] > 0.9 * answers.total()
    assert answers["unrated"] > 0
    assert answers["rejected_destination"] > 0
    assert len(countries) >= 40


def test_opening_commands_are_valid_and_name_every_customer() -> None:
    commands = [decode_command(line) for line in open_commands(CUSTOMERS, top_up_micros=5, run="r")]
    assert Counter(type(command).__name__ for command in commands) == {"OpenCustomer": CUSTOMERS, "TopUp": CUSTOMERS}
