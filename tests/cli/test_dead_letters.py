"""What is gathered of dead letters, what can be sent again, and what is refused. Leaves the topic to `end_to_end`."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from metering.cli.app import run
from metering.cli.dead_letters_original import customer_of, place_of, retry_until_ms, why_not_retried
from metering.cli.dead_letters_reading import _TABLE, PAGE_LETTERS, Letters, Wanted
from metering.contracts.dead_letters import DeadLetter, DeadLetterResolution, Resolution, letter_key
from metering.contracts.partitioning import partition_of
from metering.contracts.reasons import DeadLetterReason
from metering.ledger.till import Windows

NOW_MS = 1_770_000_000_000
HOUR_MS = 3_600_000
WINDOWS = Windows()


def event_of(customer: str, at_ms: int = NOW_MS) -> bytes:
    """A usage event."""
    time = datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat()
    return json.dumps({"id": "e", "time": time, "data": {"customer": customer}}).encode()


def letter(offset: int = 1, **changed: Any) -> DeadLetter:
    """A dead letter."""
    given: dict[str, Any] = {
        "reason": DeadLetterReason.UNKNOWN_TYPE,
        "detail": "no such type",
        "topic": "usage",
        "partition": 3,
        "offset": offset,
        "timestamp_ms": NOW_MS,
        "key": b"acme",
        "value": event_of("acme"),
    }
    return DeadLetter(**(given | changed))


@pytest.fixture
def letters() -> Iterator[Letters]:
    """None so far."""
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute(_TABLE)
        yield Letters(database)


def note(letters: Letters, place: int, one: DeadLetter, wanted: Wanted = Wanted()) -> None:  # noqa: B008  immutable
    letters.note(place, letter_key(one.topic, one.partition, one.offset), msgspec.json.encode(one), wanted)


def resolve(letters: Letters, place: int, key: str, resolution: Resolution) -> None:
    done = DeadLetterResolution(resolution=resolution, actor="ops", at_ms=NOW_MS)
    letters.note(place, key, msgspec.json.encode(done), Wanted())


def open_keys(letters: Letters) -> list[str]:
    return [known.key for page in letters.open_pages() for known in page]


def test_resolved_letter_is_not_open_also_when_its_worker_writes_it_again(letters: Letters) -> None:
    note(letters, 0, letter(1))
    note(letters, 1, letter(2))
    note(letters, 2, letter(1))
    resolve(letters, 3, "usage-3-1", Resolution.RETRIED)
    note(letters, 4, letter(1))
    assert open_keys(letters) == ["usage-3-2"]
    assert letters.count_open() == {"unknown_type": 1}
    (first, _) = letters.all()
    assert first.resolution is not None
    assert first.resolution.resolution is Resolution.RETRIED


def test_last_resolution_counts(letters: Letters) -> None:
    note(letters, 0, letter(1))
    resolve(letters, 1, "usage-3-1", Resolution.DROPPED)
    resolve(letters, 2, "usage-3-1", Resolution.RETRIED)
    (known,) = letters.all()
    assert known.resolution is not None
    assert known.resolution.resolution is Resolution.RETRIED


def test_resolution_of_a_letter_that_is_not_wanted_says_nothing(letters: Letters) -> None:
    resolve(letters, 1, "usage-3-1", Resolution.DROPPED)
    assert not list(letters.all())


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(keys=frozenset({"usage-3-1"})), True),
        (Wanted(keys=frozenset({"usage-3-2"})), False),
        (Wanted(reasons=frozenset({"unknown_type", "empty"})), True),
        (Wanted(reasons=frozenset({"empty"})), False),
        (Wanted(topic="usage"), True),
        (Wanted(topic="commands"), False),
        (Wanted(partition=3), True),
        (Wanted(partition=0), False),
        (Wanted(customer="acme"), True),
        (Wanted(customer="other"), False),
        (Wanted(since_ms=NOW_MS), True),
        (Wanted(since_ms=NOW_MS + 1), False),
        (Wanted(until_ms=NOW_MS), False),
        (Wanted(until_ms=NOW_MS + 1), True),
        (Wanted(customer="acme", partition=0), False),
    ],
)
def test_filters(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(letter()) is fits


@pytest.mark.parametrize(
    ("one", "customer"),
    [
        (letter(key=b"wrong"), "acme"),
        (letter(value=b"{broken"), "acme"),
        (letter(value=b"{broken", key=b"\xff"), None),
        (letter(value=None, key=None), None),
        (letter(topic="commands", value=b'{"customer": "acme"}', key=None), "acme"),
        (letter(value=b'{"data": {"customer": "\\ud800"}}', key=b"acme"), "acme"),
        (letter(value=b"[" * 100_000, key=b"acme"), "acme"),
    ],
)
def test_customer_is_the_values_or_else_the_keys(one: DeadLetter, customer: str | None) -> None:
    assert customer_of(one) == customer
    expected = (3, one.key) if customer is None else (partition_of("acme", 12), b"acme")
    assert place_of(one, 12) == expected


def test_event_can_be_sent_again_as_long_as_a_repeat_of_it_is_recognised() -> None:
    one = letter(value=event_of("acme", NOW_MS - 20 * HOUR_MS))
    until = retry_until_ms(one, WINDOWS)
    assert until == NOW_MS + 4 * HOUR_MS
    assert why_not_retried(one, WINDOWS, until) is None
    assert why_not_retried(one, WINDOWS, until + 1) == "too_old"


def test_command_can_be_sent_again_as_long_as_one_sent_since_it_was_written_is_recognised() -> None:
    one = letter(topic="commands", value=b'{"customer": "acme"}')
    until = retry_until_ms(one, WINDOWS)
    assert NOW_MS + 7 * 24 * HOUR_MS - HOUR_MS < until < NOW_MS + 7 * 24 * HOUR_MS
    assert why_not_retried(one, WINDOWS, until + 1) == "too_old"


def test_letter_without_an_original_has_nothing_to_send() -> None:
    assert why_not_retried(letter(value=None), WINDOWS, NOW_MS) == "nothing_to_send"


def test_many_letters_are_gathered_in_bounded_memory(letters: Letters) -> None:
    """6,000 letters of 8 KiB take 64 MB on disk, and a page of them in memory."""
    value = event_of("acme") + b" " * 8_192
    tracemalloc.start()
    try:
        for offset in range(6_000):
            note(letters, offset, letter(offset, value=value))
        found, pages = 0, 0
        for page in letters.open_pages():
            found, pages = found + len(page), pages + 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found, pages) == (6_000, 6_000 / PAGE_LETTERS)
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry", "--actor", "me"],
        ["retry", "usage-0-1", "--all-matching", "--actor", "me"],
        ["retry", "usage-0-1", "--topic", "usage", "--actor", "me"],
        ["drop", "usage-0-1", "--actor", "me"],
    ],
)
def test_wrong_choice_is_refused_before_anything_is_read(arguments: list[str]) -> None:
    assert run(["dead-letters", *arguments]) == 2


@pytest.mark.parametrize("arguments", [["drop", "usage-0-1", "--why", "no actor"], ["show"], []])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["dead-letters", *arguments])


def test_unknown_reason_is_named_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dead-letters", "list", "--reason", "bad"]) == 1
    assert "missing_field" in capsys.readouterr().err
