"""Where partitions really end. Leaves what is in them to `topics`."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

Key = tuple[str, int]
"""A topic's full name and a partition."""


async def high_water_marks(bootstrap: str, starts: Mapping[Key, int]) -> dict[Key, int]:
    """Return the offset after the last record of each partition, none of which ends before its start.

    It is the high-water mark that comes with a fetch: asked for the end, the embedded broker answers with that of
    its last batch's first record.
    """
    partitions = {TopicPartition(*key): key for key in starts}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=20)
    await consumer.start()
    try:
        consumer.assign(list(partitions))
        for partition, key in partitions.items():
            consumer.seek(partition, starts[key])
        while any(consumer.highwater(partition) is None for partition in partitions):
            await consumer.getmany(timeout_ms=20)
        return {key: consumer.highwater(partition) for partition, key in partitions.items()}
    finally:
        await consumer.stop()
