"""Finds the effective end of a bucket's ledger topic: the last entry that counts.

Leaves what follows from it to the claim.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct

from metering.contracts.topics import Topic
from metering.errors import BrokenInvariant, Retryable
from metering.ledger.till import LedgerEnd
from metering.worker.kafka import Kafka

START = LedgerEnd(0, "", 0)
READ_SECONDS_MAX = 30.0
"""Without a single record for this long, the reader gives up and the claim starts again."""


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

    Raises `Retryable` when the broker does not answer. Reads only; interrupted, nothing has happened.
    """
    partition = TopicPartition(kafka.topic(Topic.LEDGER), bucket)
    consumer = kafka.reader()
    try:
        await consumer.start()
        consumer.assign([partition])
        log_end = (await consumer.end_offsets([partition]))[partition]
        if start.offset_next > log_end:
            raise BrokenInvariant(
                f"the ledger of bucket {bucket} ends at offset {log_end}, yet entry {start.seq} was read before"
                f" {start.offset_next}: the topic has lost records or is another one"
            )
        consumer.seek(partition, start.offset_next)
        return await _read_to(consumer, partition, log_end, start)
    except (KafkaError, OSError) as error:
        raise Retryable(f"the ledger of bucket {bucket} could not be read: {error}") from error
    finally:
        await consumer.stop()


async def _read_to(consumer: AIOKafkaConsumer, partition: TopicPartition, log_end: int, start: LedgerEnd) -> LedgerEnd:
    end = start
    loop = asyncio.get_running_loop()
    quiet_since = loop.time()
    while await consumer.position(partition) < log_end:
        read = await consumer.getmany(partition, timeout_ms=100)
        for record in read.get(partition, ()):
            end = follow(end, record.value, record.offset)
        if read:
            quiet_since = loop.time()
        elif loop.time() - quiet_since > READ_SECONDS_MAX:
            raise Retryable(f"no record of {partition} for {READ_SECONDS_MAX:.0f} s, and its end is not reached")
    return end
