"""The ledger topic, a bucket at a time, to check or rebuild the books. Leaves what records mean to `checkpoint`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from metering.contracts.topics import Topic
from metering.settings import KafkaSettings
from metering.worker.kafka import Kafka
from metering.worker.partition_reader import open_partition


async def read_ledger(
    kafka: KafkaSettings, bucket: int, start: int = 0, until: int | None = None
) -> AsyncIterator[tuple[int, bytes]]:
    """Yield offset and value of the committed records from `start` on, up to the end at first sight or to `until`.

    Raises `Retryable` when the broker does not answer.
    """
    async with open_partition(Kafka(kafka), Topic.LEDGER, bucket, start) as ledger:
        async for record in ledger.records():
            if until is not None and record.offset >= until:
                return
            yield record.offset, record.value or b""
