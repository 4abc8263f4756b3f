"""Sends outputs as ready-made batches: one per topic and partition, in order. Leaves what is in them to `outputs`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.worker.batch_producer import BatchProducer
from metering.worker.kafka import Kafka
from metering.worker.outputs import Output
from metering.worker.producers import Delivery, SharedProducer, error_of

DELIVERY_SECONDS_MAX = 60.0
"""After this nobody waits for a delivery any more: its bucket claims, and what Redis holds is sent again under the same
ids. A broker answers in milliseconds; the client alone would wait as long as it takes, or for good where an answer says
nothing of a batch."""


class Outbound:
    """Sends through one producer on behalf of one bucket."""

    def __init__(self, kafka: Kafka, producer: BatchProducer | SharedProducer, bucket: int) -> None:
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
        batches = self.fill(keys, values)
        return [(await self.send_filled(topic, batch), count) for batch, count in batches]

    def fill(self, keys: Sequence[bytes], values: Sequence[bytes]) -> Iterator[tuple[BatchBuilder, int]]:
        """Yield batches of records in their order, each with their number, and made when it is asked for."""
        first = 0
        while first < len(values):
            batch = self._producer.fill_batch(keys, values, first)
            count = batch.record_count()
            yield batch, count
            first += count

    async def send_filled(self, topic: Topic, batch: BatchBuilder) -> Delivery:
        """Hand over a batch for the bucket's own partition."""
        return await self._producer.send_batch(batch, self._kafka.topic(topic), partition=self._bucket)

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
    """Wait until all are acknowledged; raises the first one's error after all have ended, so none is left unseen.

    Raises `TimeoutError` where it is not known after `DELIVERY_SECONDS_MAX` what became of one. Interrupted, they stay
    under way. Where all are known already, it does not wait for a turn of the loop.
    """
    unknown = {delivery for delivery in deliveries if not delivery.done()}
    try:
        if unknown:
            _, unknown = await asyncio.wait(unknown, timeout=DELIVERY_SECONDS_MAX)
    finally:
        for delivery in unknown:
            delivery.add_done_callback(error_of)
    errors = [error_of(delivery) for delivery in deliveries if delivery not in unknown]
    if unknown:
        what = f"{len(unknown)} of {len(deliveries)} batches"
        raise TimeoutError(f"it is not known what became of {what} after {DELIVERY_SECONDS_MAX:.0f} s")
    for error in errors:
        if error is not None:
            raise error


_BROKER_ERRORS = (KafkaError, OSError, RuntimeError)
"""What the client raises; uvloop raises the last on a connection that is closed."""


class _BrokerErrors:
    """See `broker_errors`. No generator: a worker comes by here with every chunk."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Nothing has happened yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say what could not be sent, and why."""
        if error is not None and isinstance(error, _BROKER_ERRORS):
            raise Retryable(f"{self._what} could not be sent: {type(error).__name__}: {error}") from error


def broker_errors(what: str) -> _BrokerErrors:
    """Turn what the broker's client raises into `Retryable`, where being fenced is not possible."""
    return _BrokerErrors(what)
