"""How the worker talks to the broker: producers, consumers, and whether it has transactions.

Leaves records to `sending`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError, for_code
from aiokafka.producer import sender
from aiokafka.protocol.transaction import InitProducerIdRequest

from metering.connections import use_own_connections
from metering.contracts.topics import Topic
from metering.errors import Fatal
from metering.record_batches import BatchConsumer
from metering.settings import KafkaSettings
from metering.worker.batch_producer import BatchProducer

log = structlog.get_logger(__name__)

BATCH_BYTES_MAX = 512 * 1024
"""One batch of entries: large enough for 800 of them, half of what a broker takes by default."""

REQUEST_BYTES_MAX = 4 * 1024 * 1024
"""A dead letter carries its original in base64, so it is larger than what was accepted."""

FETCH_BYTES_MAX = 2 * 1024 * 1024
"""One answer to the worker: some five thousand events, a third of what may wait. The client holds it twice, and the one
before it until its records are handed to their buckets."""

PARTITION_FETCH_BYTES_MAX = 512 * 1024
"""Of one partition in it: three chunks. A larger record comes alone all the same."""

LEDGER_CODEC = "snappy"
"""Of what a transaction writes: an entry takes a tenth of the network and of the broker's disks, for 0.4 µs. Zstandard
makes a thirtieth of it for twice that, and costs each small batch as much as twenty entries."""

TRANSACTION_TIMEOUT_MS = 30_000
"""After this the broker aborts the transaction of a worker that hangs, and readers go on."""

_ASKED_BY_ANOTHER = 51
"""CONCURRENT_TRANSACTIONS: another worker asks with the same id at this moment."""

TRANSACTION_PAUSE_SECONDS = 0.005
"""How long a transactional producer waits when the last transaction's markers are still on their way: aiokafka's own
20 ms are most of what a small transaction takes. A broker has written them in 1 to 5 ms."""
sender.BACKOFF_OVERRIDE = TRANSACTION_PAUSE_SECONDS

use_own_connections()

_NO_TRANSACTIONS = (-1, 35)
"""Errors of InitProducerId that say "not here": UNKNOWN_SERVER_ERROR of the embedded broker, UNSUPPORTED_VERSION."""


class Kafka:
    """Makes clients from the settings, and names topics."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.has_transactions = False

    def topic(self, topic: Topic | str) -> str:
        """Return a topic's full name."""
        return f"{self.settings.topic_prefix}{topic}"

    def common(self) -> dict[str, Any]:
        """Return what every client is told."""
        return self.settings.client_options()

    def input_consumer(self) -> BatchConsumer:
        """Return the consumer of both input topics: manual offsets, and the same partition numbers of both.

        It never moves by itself: a position that the log does not have is an error, not a jump.
        """
        return BatchConsumer(
            **self.common(),
            group_id=self.settings.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=self.settings.session_timeout_ms,
            heartbeat_interval_ms=self.settings.session_timeout_ms // 4,
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=self.settings.fetch_max_wait_ms,
            fetch_max_bytes=FETCH_BYTES_MAX,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES_MAX,
        )

    def reader(self) -> AIOKafkaConsumer:
        """Return a consumer without a group, for reading one partition from a chosen offset, committed records only."""
        return AIOKafkaConsumer(
            **self.common(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=self.settings.fetch_max_wait_ms,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )

    def rates_consumer(self) -> AIOKafkaConsumer:
        """Return the consumer of `rates`: no group, and an answer that comes late does not count (see its follower)."""
        return AIOKafkaConsumer(
            **self.common(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=500,
            request_timeout_ms=10_000,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )

    def producer(self) -> BatchProducer:
        """Return a producer outside transactions; repeats of its own retries are dropped where the broker can."""
        return BatchProducer(
            **self.common(),
            acks="all",
            enable_idempotence=self.has_transactions,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=REQUEST_BYTES_MAX,
            linger_ms=0,
        )

    def transactional_producer(self, bucket: int) -> BatchProducer:
        """Return the one producer that may write bucket `bucket`'s ledger: starting it fences the last one."""
        return BatchProducer(
            **self.common(),
            transactional_id=f"{self.settings.topic_prefix}{self.settings.group}-{bucket}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=REQUEST_BYTES_MAX,
            linger_ms=0,
            compression_type=LEDGER_CODEC,
        )

    async def detect_transactions(self, patience_seconds: float = 60.0) -> bool:
        """Ask the broker whether it has transactions, once, before any worker's loop starts.

        Only a broker that says that it cannot counts as one without; one that is not ready is asked again. Raises
        `Fatal` when it stays silent or forbids them: going on without would silently give up exactly-once.
        """
        deadline = asyncio.get_running_loop().time() + patience_seconds
        while True:
            try:
                code = await self._init_probe()
            except (KafkaError, OSError, TimeoutError) as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                if code == 0 or code in _NO_TRANSACTIONS:
                    self.has_transactions = code == 0
                    return self.has_transactions
                error_type = for_code(code)
                problem = f"{error_type.__name__}: {error_type.description}"
                if not error_type.retriable and code != _ASKED_BY_ANOTHER:
                    raise Fatal(f"the broker does not let the worker use transactions: {problem}")
            if asyncio.get_running_loop().time() > deadline:
                raise Fatal(
                    f"the broker at {self.settings.bootstrap} did not say whether it has transactions: {problem}"
                )
            await asyncio.sleep(0.5)

    async def _init_probe(self) -> int:
        client = AIOKafkaClient(**self.common())
        name = f"{self.settings.topic_prefix}{self.settings.group}-probe"
        try:
            await client.bootstrap()
            coordinator = await client.coordinator_lookup(CoordinationType.TRANSACTION, name)
            # The metadata may not list the coordinator yet; `ready` waits for the connection.
            if not await client.ready(coordinator):
                await client.force_metadata_update()
            request = InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=TRANSACTION_TIMEOUT_MS)
            answer = await client.send(coordinator, request)
            return int(answer.error_code)
        finally:
            await client.close()
