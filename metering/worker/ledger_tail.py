"""Finds the effective end of a bucket's ledger topic: the last entry that counts.

Leaves what follows from it to the claim.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from metering.contracts.topics import Topic
from metering.ledger.till import LedgerEnd
from metering.worker.kafka import Kafka
from metering.worker.partition_reader import open_partition

START = LedgerEnd(0, "", 0)


class _Link(Struct, frozen=True, gc=False):
    """What the readers' rule looks at; the rest of an entry is passed over."""

    seq: int
    chunk: str
    prev_chunk: str


_decode_link = msgspec.json.Decoder(_Link).decode


def follow(end: LedgerEnd, value: bytes, offset: int) -> LedgerEnd:
    """Return the end after one more record.

    It counts if and only if its seq is the last one's + 1 and its `prev_chunk` is the last one's chunk; all else (a
    repeat, another history) is passed over.
    """
    link = _decode_link(value)
    if link.seq == end.seq + 1 and link.prev_chunk == end.chunk:
        return LedgerEnd(link.seq, link.chunk, offset + 1)
    return end


async def find_ledger_end(kafka: Kafka, bucket: int, start: LedgerEnd) -> LedgerEnd:
    """Read `ledger[bucket]` from `start` to its committed end and return the last entry that counts.

    Raises `Retryable` when the broker does not answer, `BrokenInvariant` where the ledger ends before `start`. Reads
    only; interrupted, nothing has happened.
    """
    end = start
    async with open_partition(kafka, Topic.LEDGER, bucket, start.offset_next) as ledger:
        async for record in ledger.records():
            end = follow(end, record.value or b"", record.offset)
    return end
