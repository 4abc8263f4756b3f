"""When a bucket stops for its dead letters, and when it does not. Leaves stopping to `end_to_end/test_bad_deploy`."""

from __future__ import annotations

import random
from collections import deque

import pytest

from metering.contracts.entries import Position
from metering.contracts.reasons import DeadLetterReason
from metering.errors import NeedsOperator
from metering.worker.chunking import TakenChunk
from metering.worker.dead_letter_limit import DeadLetterLimit
from metering.worker.outputs import Output

START = Position(0, 0)
ANY: Output = None  # type: ignore[assignment]  # only counted
ANY_INPUT = None


def chunk(good: int, bad: int, reason: DeadLetterReason = DeadLetterReason.INVALID, forwarded: int = 0) -> TakenChunk:
    """A chunk of so many records."""
    sides = [ANY] * (bad + forwarded)
    return TakenChunk(START, START, [ANY_INPUT] * good, sides, forwarded, [("usage", reason)] * bad)  # type: ignore[list-item]


def test_a_stream_of_dead_letters_stops_when_they_are_more_than_the_share_of_a_window() -> None:
    limit = DeadLetterLimit(1_000, 0.5)
    limit.check(chunk(0, 400))
    limit.check(chunk(0, 100))
    with pytest.raises(NeedsOperator, match="501 of the last 501 records") as stop:
        limit.check(chunk(0, 1, DeadLetterReason.MISSING_FIELD))
    assert stop.value.reason == "dead_letters"
    assert "usage invalid: 500, usage missing_field: 1" in str(stop.value)
    assert "metering bucket resume" in str(stop.value)


def test_a_short_burst_at_low_volume_stops_nothing() -> None:
    limit = DeadLetterLimit(1_000, 0.5)
    for _ in range(450):
        limit.check(chunk(0, 1))
    for _ in range(2_000):
        limit.check(chunk(1, 0))
    for _ in range(450):
        limit.check(chunk(0, 1))


def test_a_trickle_stops_nothing_however_long_it_goes_on() -> None:
    limit = DeadLetterLimit(100, 0.5)
    for _ in range(2_000):
        limit.check(chunk(5, 4))


def test_forwarded_records_are_not_dead_letters() -> None:
    limit = DeadLetterLimit(10, 0.5)
    for _ in range(50):
        limit.check(chunk(0, 0, forwarded=10))


def test_a_share_of_1_lets_everything_through() -> None:
    limit = DeadLetterLimit(10, 1.0)
    for _ in range(50):
        limit.check(chunk(0, 10))


def test_a_new_claim_knows_nothing_of_what_was_accepted_before() -> None:
    limit = DeadLetterLimit(100, 0.5)
    limit.check(chunk(0, 50))
    again = DeadLetterLimit(100, 0.5)
    again.check(chunk(0, 50))
    with pytest.raises(NeedsOperator):
        again.check(chunk(0, 1))


def test_the_share_is_that_of_the_newest_chunks_that_hold_a_window() -> None:
    """Random chunks, held against a plain count over the list of all of them."""
    rng = random.Random(6)
    for _ in range(200):
        window, share = rng.randint(1, 60), rng.choice((0.2, 0.5, 0.75))
        limit, newest = DeadLetterLimit(window, share), deque[tuple[int, int]]()
        for _ in range(60):
            good, bad = rng.randint(0, 12), rng.randint(0, 12) if rng.random() < 0.6 else 0
            newest.append((good + bad, bad))
            while sum(records for records, _ in list(newest)[1:]) >= window:
                newest.popleft()
            records, letters = (sum(column) for column in zip(*newest, strict=True))
            if letters > share * max(records, window):
                with pytest.raises(NeedsOperator):
                    limit.check(chunk(good, bad))
                break
            limit.check(chunk(good, bad))
