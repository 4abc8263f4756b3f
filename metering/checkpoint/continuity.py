"""The readers' rule: which records of the ledger count, and where a bucket stands after them.

Leaves writing to `flush`.

An entry counts if and only if its seq is the last one's + 1 and its prev_chunk is the last one's chunk. Two histories
can share a seq, never a pair of chunk and seq, so what a worker wrote that had lost its bucket is found out by its
first entry.
"""

from __future__ import annotations

from enum import StrEnum

from metering.checkpoint.records import LedgerRecord
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


class Follower:
    """Follows one bucket's history from `head` on, record by record."""

    __slots__ = ("bucket", "chunk", "clock_ms", "commands", "seq", "timers_run", "usage")

    def __init__(self, bucket: int, head: BucketPosition) -> None:
        self.bucket = bucket
        self.seq = head.seq
        self.chunk = head.chunk
        self.usage = head.usage
        self.commands = head.commands
        self.clock_ms = head.clock_ms
        self.timers_run = head.timers_run

    @property
    def head(self) -> BucketPosition:
        """Where the bucket stands now."""
        return BucketPosition(self.seq, self.chunk, self.usage, self.commands, self.clock_ms, self.timers_run)

    def follow(self, record: LedgerRecord) -> Verdict:
        """Say whether `record` counts, and if it does, stand after it.

        Timer effects come before the input whose clock ran them, so they stand at the position before it: as long as
        that stays, they count against the bound of the same input.
        """
        if record.seq != self.seq + 1 or record.prev_chunk != self.chunk or record.bucket != self.bucket:
            return self._reject(record)
        position = record.position
        usage, commands = position.usage, position.commands
        if record.due_at_ms is None:
            self.timers_run = 0
        elif usage == self.usage and commands == self.commands:
            self.timers_run += 1
        else:
            self.timers_run = 1
        self.seq, self.chunk, self.usage, self.commands = record.seq, record.chunk, usage, commands
        self.clock_ms = max(self.clock_ms, record.applied_at_ms)
        return Verdict.COUNTS

    def _reject(self, record: LedgerRecord) -> Verdict:
        if record.bucket != self.bucket:
            return Verdict.UNDECODABLE
        if record.seq <= self.seq:
            return Verdict.REPEAT
        return Verdict.GAP if record.seq > self.seq + 1 else Verdict.OTHER_HISTORY
