"""The readers' rule: which records of the ledger count, and where a bucket stands after them.

Leaves writing to `flush`.

An entry counts if and only if its seq is the last one's + 1 and its prev_chunk is the last one's chunk. Two histories
can share a seq, never a pair of chunk and seq, so what a worker wrote that had lost its bucket is found out by its
first entry.
"""

from __future__ import annotations

from enum import StrEnum

from metering.checkpoint.records import LedgerRecord
from metering.contracts.reasons import Kind
from metering.ledger.state import BucketPosition

ORIGIN = BucketPosition(seq=0, chunk="", usage=0, commands=0, clock_ms=0, timers_run=0)
"""Where a bucket stands before its first entry."""


class Verdict(StrEnum):
    """Whether a record counts, or why it does not."""

    COUNTS = "counts"
    REPEAT = "repeat"
    """A seq that is in the books: delivered again, or written again after a crash."""
    OTHER_HISTORY = "other_history"
    """The next seq, but not the successor of our last entry."""
    GAP = "gap"
    """A seq further on: of another history, or entries before it are missing."""
    UNDECODABLE = "undecodable"
    """Not a ledger entry of this bucket at all."""


def judge(head: BucketPosition, bucket: int, record: LedgerRecord) -> Verdict:
    """Say whether `record`, read from the ledger of `bucket`, follows `head`."""
    if record.seq == head.seq + 1 and record.prev_chunk == head.chunk and record.bucket == bucket:
        return Verdict.COUNTS
    if record.bucket != bucket:
        return Verdict.UNDECODABLE
    if record.seq <= head.seq:
        return Verdict.REPEAT
    return Verdict.GAP if record.seq > head.seq + 1 else Verdict.OTHER_HISTORY


def advance(head: BucketPosition, record: LedgerRecord) -> BucketPosition:
    """Return where the bucket stands after `record`, which counts.

    Timer effects come before the input whose clock ran them, so they stand at the position before it: as long as that
    stays, they count against the bound of the same input.
    """
    position = record.position
    timers_run = 0
    if record.kind == Kind.EXPIRED:
        same_input = position.usage == head.usage and position.commands == head.commands
        timers_run = head.timers_run + 1 if same_input else 1
    return BucketPosition(
        record.seq,
        record.chunk,
        position.usage,
        position.commands,
        max(head.clock_ms, record.applied_at_ms),
        timers_run,
    )
