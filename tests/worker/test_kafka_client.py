"""What the worker changes in its Kafka client is there to be changed, in the version that is locked."""

from __future__ import annotations

import inspect

from aiokafka.producer import sender
from aiokafka.record.memory_records import MemoryRecords

from metering.record_batches import fill_batch
from metering.settings import KafkaSettings
from metering.worker.kafka import TRANSACTION_PAUSE_SECONDS, Kafka


def test_pause_between_transactions_is_the_one_that_the_client_takes() -> None:
    assert "return BACKOFF_OVERRIDE" in inspect.getsource(sender.AddPartitionsToTxnHandler)
    assert sender.BACKOFF_OVERRIDE == TRANSACTION_PAUSE_SECONDS < 0.02


async def test_transaction_is_written_compressed() -> None:
    producer = Kafka(KafkaSettings()).transactional_producer(0)
    batch = producer.create_batch()
    entries = [b'{"seq":%d,"kind":"debited","customer":"acme","amount_micros":-10000}' % seq for seq in range(400)]

    assert fill_batch(batch, [b"acme"] * len(entries), entries) == len(entries)
    written = bytes(batch._build())

    assert len(written) < sum(map(len, entries)) / 3
    assert [record.value for record in MemoryRecords(written).next_batch()] == entries
    await producer.stop()
