"""The readers' rule: what counts, and where the bucket stands after it."""

from __future__ import annotations

import pytest

from metering.checkpoint.continuity import ORIGIN, Follower, Verdict
from metering.checkpoint.records import decode_record
from metering.contracts.entries import LedgerEntry
from tests.checkpoint.scribe import NOON, Scribe, encode


def follow(follower: Follower, entry: LedgerEntry) -> Verdict:
    return follower.follow(decode_record(encode(entry)))


def two_entries() -> Scribe:
    scribe = Scribe()
    scribe.open("acme")
    scribe.next_chunk = "c2"
    scribe.top_up("acme", 5)
    return scribe


def test_successor_of_the_last_entry_counts() -> None:
    follower = Follower(0, ORIGIN)

    verdicts = [follow(follower, entry) for entry in two_entries().entries]

    assert [Verdict.COUNTS] * 2 == verdicts
    assert (2, "c2", 0, 2, NOON, 0) == (
        follower.head.seq,
        follower.head.chunk,
        follower.head.usage,
        follower.head.commands,
        follower.head.clock_ms,
        follower.head.timers_run,
    )


@pytest.mark.parametrize(
    ("bucket", "which", "expected"),
    [(0, 0, Verdict.REPEAT), (0, 2, Verdict.GAP), (1, 1, Verdict.UNDECODABLE)],
)
def test_entry_out_of_place_does_not_count_and_moves_nothing(bucket: int, which: int, expected: Verdict) -> None:
    scribe = two_entries()
    scribe.top_up("acme", 6)
    follower = Follower(bucket, ORIGIN)
    if bucket == 0:
        follow(follower, scribe.entries[0])
    head = follower.head

    assert expected is follow(follower, scribe.entries[which])
    assert head == follower.head


def test_next_seq_of_another_history_does_not_count() -> None:
    mine, other = two_entries(), Scribe(next_chunk="zombie")
    other.open("acme")
    other.top_up("acme", 7)
    follower = Follower(0, ORIGIN)
    follow(follower, mine.entries[0])

    assert Verdict.OTHER_HISTORY is follow(follower, other.entries[1])
    assert Verdict.COUNTS is follow(follower, mine.entries[1])


def test_timer_effects_before_one_input_are_counted_until_its_own_entry() -> None:
    scribe = Scribe()
    scribe.open("acme", 100)
    for charge in ("a", "b", "c"):
        scribe.reserve("acme", charge, 1)
    follower = Follower(0, ORIGIN)
    for entry in scribe.entries:
        follow(follower, entry)
    counts = []

    for charge in ("a", "b"):
        follow(follower, scribe.expire("acme", charge, 1))
        counts.append(follower.head.timers_run)
    scribe.usage += 1  # an input without an entry: a tick, whose timers these two were
    follow(follower, scribe.expire("acme", "c", 1))
    counts.append(follower.head.timers_run)
    follow(follower, scribe.top_up("acme", 1))
    counts.append(follower.head.timers_run)

    assert [1, 2, 1, 0] == counts


def test_clock_is_the_newest_time_applied() -> None:
    scribe = two_entries()
    scribe.clock -= 10
    scribe.top_up("acme", 1)
    follower = Follower(0, ORIGIN)

    for entry in scribe.entries:
        follow(follower, entry)

    assert NOON == follower.head.clock_ms
