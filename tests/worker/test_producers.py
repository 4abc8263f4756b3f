"""A producer that a broker takes nothing more from, or whose client has ended, is made anew and loses nothing.

Leaves what is never answered to `test_unanswered`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.worker.bucket import BucketState
from metering.worker.producers import SharedProducer
from metering.worker.publishing import TransactionalPublisher
from metering.worker.rates_follower import RatesFollower
from metering.worker.service import WorkerService
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_APACHE, ON_TANSU
from tests.waiting import wait_until

pytestmark = pytest.mark.requirement("INF-01")

CREDIT_MICROS = 10_000_000
PRICE_MICROS = 10_000
SMALLER_THAN_ANY_BATCH = "100"
TAKEN_BY_DEFAULT = "1048588"


class Sender:
    """Sends texts, and now and then something broken, and knows what they come to."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._texts = 0

    async def send(self) -> None:
        """One text and one dead letter."""
        self._texts += 1
        await self._system.send([text("acme", f"t-{self._texts}", AMERICA), ("acme", b"{broken")])

    async def send_until(self, is_true: Callable[[], object], what: str) -> None:
        """Go on until it is so, and it stays so."""

        async def has_come() -> object:
            await self.send()
            return is_true()

        await wait_until(has_come, what)

    async def prove(self) -> None:
        """Send a last one, and hold everything against what was sent."""
        await self.send()
        await self._system.settled()
        await prove(self._system, {"acme": Totals(CREDIT_MICROS - self._texts * PRICE_MICROS)})


async def begin(system: System, worker: WorkerService) -> Sender:
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", CREDIT_MICROS))
    sender = Sender(system)
    # A broker that has nothing of a producer yet takes its numbers from wherever they begin.
    await sender.send()
    await system.settled()
    return sender


async def take_batches_of(system: System, topic: Topic, bytes_max: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=system.settings.kafka.bootstrap)
    await admin.start()
    configs = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": bytes_max}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, system.topic(topic), configs)])
    await admin.close()


def renewals(worker: WorkerService) -> float:
    return float(worker.metrics.producer_renewals._value.get())


def aborted(worker: WorkerService) -> float:
    return float(worker.metrics.transactions.labels("aborted")._value.get())


@ON_APACHE
@pytest.mark.parametrize(
    ("topic", "refused"), [(Topic.DECISIONS, renewals), (Topic.DEAD_LETTERS, renewals), (Topic.LEDGER, aborted)]
)
async def test_topic_that_refuses_batches_for_a_while_has_all_of_them_afterwards(
    system: System, worker: WorkerService, topic: Topic, refused: Callable[[WorkerService], float]
) -> None:
    """What a broker refuses for good leaves a gap in the producer's numbers, after which it refused everything."""
    sender = await begin(system, worker)
    await take_batches_of(system, topic, SMALLER_THAN_ANY_BATCH)
    await sender.send_until(lambda: refused(worker) > 1, f"{topic} refused, and refused again")
    await take_batches_of(system, topic, TAKEN_BY_DEFAULT)
    await sender.prove()
    assert worker.failure is None


async def test_producer_whose_client_has_ended_is_made_anew(system: System, worker: WorkerService) -> None:
    sender = await begin(system, worker)
    assert worker._parts is not None
    producer: Any = worker._parts.producer._producer
    producer._message_accumulator.drain_by_nodes = None
    await sender.send()
    await sender.prove()
    assert renewals(worker) == 1


@ON_APACHE
async def test_bucket_whose_producer_has_failed_while_it_was_idle_publishes_through_another(
    system: System, worker: WorkerService
) -> None:
    sender = await begin(system, worker)
    assert worker.intake is not None
    for bucket in worker.intake.buckets.values():
        assert isinstance(bucket._publisher, TransactionalPublisher)
        producer: Any = bucket._publisher._producer
        producer._txn_manager.begin_transaction()
        producer._txn_manager.fatal_error(ConnectionError("the client has given up"))
        producer._txn_manager.wait_for_transaction_end().exception()
    await sender.send()
    await sender.prove()
    assert all(bucket.state is BucketState.RUNNING for bucket in worker.intake.buckets.values())


@ON_TANSU
@pytest.mark.parametrize("last", [RatesFollower, SharedProducer])
async def test_broker_that_goes_away_while_a_worker_starts_ends_it_with_what_to_do(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch, last: type[Any]
) -> None:
    start = last.start

    async def start_as_the_last(part: Any) -> None:
        await start(part)
        await system.stack.broker.kill()

    monkeypatch.setattr(last, "start", start_as_the_last)
    with pytest.raises(Retryable, match=r"does not answer .*: start it, or set METERING_KAFKA__BOOTSTRAP"):
        await worker.start()
