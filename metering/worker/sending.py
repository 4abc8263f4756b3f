"""Sends outputs as ready-made batches: one per topic and partition, in order. Leaves what is in them to `outputs`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.worker.kafka import Kafka
from metering.worker.outputs import Output

Delivery = asyncio.Future[RecordMetadata]


class Outbound:
    """Sends through one producer on behalf of one bucket."""

    def __init__(self, kafka: Kafka, producer: AIOKafkaProducer, bucket: int) -> None:
        self._kafka = kafka
        self._producer = producer
        self._bucket = bucket

    async def send(self, outputs: Iterable[Output]) -> list[Delivery]:
        """Hand over the outputs and return what tells of their delivery. Order is kept within a partition."""
        grouped: dict[tuple[Topic, int], list[Output]] = {}
        for output in outputs:
            partition = self._bucket if output.partition is None else output.partition
            grouped.setdefault((output.topic, partition), []).append(output)
        deliveries: list[Delivery] = []
        for (topic, partition), group in grouped.items():
            deliveries += await self._send_group(self._kafka.topic(topic), partition, group)
        return deliveries

    async def send_all(
        self, topic: Topic, keys: Sequence[bytes], values: Sequence[bytes]
    ) -> list[tuple[Delivery, int]]:
        """Hand over records of the bucket's own partition in their order; each delivery comes with their number."""
        name = self._kafka.topic(topic)
        sent: list[tuple[Delivery, int]] = []
        batch = self._producer.create_batch()
        append = batch.append
        count = 0
        for key, value in zip(keys, values, strict=True):
            if append(key=key, value=value, timestamp=None) is None:
                sent.append((await self._producer.send_batch(batch, name, partition=self._bucket), count))
                batch = self._producer.create_batch()
                append = batch.append
                append(key=key, value=value, timestamp=None)
                count = 0
            count += 1
        if count:
            sent.append((await self._producer.send_batch(batch, name, partition=self._bucket), count))
        return sent

    async def _send_group(self, topic: str, partition: int, group: list[Output]) -> list[Delivery]:
        deliveries: list[Delivery] = []
        batch = self._producer.create_batch()
        for output in group:
            fields = {"key": output.key, "value": output.value, "headers": list(output.headers), "timestamp": None}
            if batch.append(**fields) is None:
                deliveries.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                batch.append(**fields)
        deliveries.append(await self._producer.send_batch(batch, topic, partition=partition))
        return deliveries


async def await_all(deliveries: Sequence[Delivery]) -> None:
    """Wait until all are acknowledged; raises the first one's error after all have ended, so none is left unseen."""
    if not deliveries:
        return
    for result in await asyncio.gather(*deliveries, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


@contextmanager
def broker_errors(what: str) -> Iterator[None]:
    """Turn what the broker's client raises into `Retryable`, where being fenced is not possible."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Retryable(f"{what} could not be sent: {type(error).__name__}: {error}") from error
