"""Without transactions an owner looks whether its own entries count. Leaves the order of its steps to `test_steps`."""

from __future__ import annotations

import pytest

from metering.contracts.entries import Position
from metering.worker.kafka import Kafka
from metering.worker.ledger_tail import START, find_ledger_end
from metering.worker.publishing import Fenced, PlainPublisher
from metering.worker.telling import Told
from tests.end_to_end.messages import opening
from tests.end_to_end.system import System
from tests.worker.metered_bucket import MeteredBucket


@pytest.mark.requirement("INF-01")
async def test_owner_whose_entries_do_not_count_is_told_so(system: System) -> None:
    """A zombie has written its own history in between: after it, ours is nobody's."""
    commands = [value for _, value in opening("acme", 1_000_000)]
    zombie, owner = MeteredBucket(system.redis), MeteredBucket(system.redis)
    for bucket in (zombie, owner):
        await bucket.open()
        await bucket.commands(*commands)
    kafka = Kafka(system.settings.kafka)
    producer, consumer = kafka.producer(), kafka.input_consumer()
    await producer.start()
    await consumer.start()
    try:
        position = Position(0, len(commands))
        publisher = PlainPublisher(kafka, 0, producer, consumer)
        end = await publisher.publish(Told.of(zombie.entries).publication(position), START)
        with pytest.raises(Fenced):
            await publisher.publish(Told.of(owner.entries).publication(position), START)
    finally:
        await consumer.stop()
        await producer.stop()
    assert zombie.entries[-1].chunk != owner.entries[-1].chunk
    assert end == await find_ledger_end(kafka, 0, START)
    assert (end.seq, end.chunk) == (zombie.entries[-1].seq, zombie.entries[-1].chunk)
