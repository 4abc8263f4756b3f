"""A producer of whole batches, in fewer turns of the event loop than aiokafka's own. Leaves the requests to aiokafka.

aiokafka's waits for everything that may change at once: for each change it makes a set of futures, has each tell of its
end and, when one does, tells all others not to. A transaction is seven such changes. Here all of them ring one bell.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerFenced, TransactionalIdAuthorizationFailed
from aiokafka.producer import message_accumulator, sender
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from metering import native
from metering.errors import ensure
from metering.record_batches import fill_batch
from metering.worker.made_batches import CODECS, pack_batch


class BellSender(sender.Sender):  # type: ignore[misc]  # aiokafka is not typed
    """Starts what can be started whenever something has changed, as aiokafka's does."""

    async def _sender_routine(self) -> None:
        """Send until cancelled, then end what is under way. Raises what ends the producer for good."""
        self._under_way: set[asyncio.Task[Any]] = set()
        self._ended: list[asyncio.Future[Any]] = []
        self._transactional: asyncio.Task[Any] | None = None
        try:
            while True:
                if self._txn_manager is not None and not self._txn_manager.has_pid():
                    await self._maybe_wait_for_pid()
                self._bell: asyncio.Future[None] = self.client._loop.create_future()  # noqa: SLF001  as below
                while self._ended:
                    self._ended.pop().result()
                self._start_what_can_be()
                await self._bell
        except asyncio.CancelledError:
            for task in list(self._under_way):
                await task
        except (ProducerFenced, OutOfOrderSequenceNumber, TransactionalIdAuthorizationFailed):
            raise
        except Exception as error:
            sender.log.exception("Unexpected error in sender routine")
            raise KafkaError("Unexpected error during batch delivery") from error

    def _start_what_can_be(self) -> None:
        """Start a step of the transaction, and requests to all nodes that have none under way."""
        manager, accumulator, bell = self._txn_manager, self._message_accumulator, self._bell
        muted = self._muted_partitions
        if manager is not None and manager.transactional_id is not None:
            # One at a time, over a connection of their own.
            if self._transactional is None:
                self._transactional = self._maybe_do_transactional_request()
                if self._transactional is not None:
                    self._watch(self._transactional)
            manager._task_waiter = bell  # noqa: SLF001
            # Nothing may come to a partition before it is known to be in the transaction.
            if manager.partitions_to_add():
                muted = muted | manager.partitions_to_add()
        batches, leaders_unknown = accumulator.drain_by_nodes(ignore_nodes=self._in_flight, muted_partitions=muted)
        for node, of_node in batches.items():
            self._in_flight.add(node)
            self._muted_partitions.update(of_node)
            self._watch(asyncio.create_task(self._send_produce_req(node, of_node)))
        if leaders_unknown:
            self.client.force_metadata_update().add_done_callback(self._note_end)
        elif accumulator._wakeup_handle is None:  # noqa: SLF001
            accumulator._waiter_future = bell  # noqa: SLF001
        else:
            accumulator.waiter().add_done_callback(self._ring)

    def _watch(self, task: asyncio.Task[Any]) -> None:
        self._under_way.add(task)
        task.add_done_callback(self._note_end)

    def _note_end(self, ended: Any) -> None:
        self._under_way.discard(ended)
        if ended is self._transactional:
            self._transactional = None
        self._ended.append(ended)
        self._ring(ended)

    def _ring(self, _: Any) -> None:
        if not self._bell.done():
            self._bell.set_result(None)


class BatchProducer(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka is not typed
    """A producer to which whole batches are given; other ways to send are aiokafka's own."""

    _sender: Any

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        made = self._sender
        self._sender = BellSender(
            self.client,
            acks=made._acks,  # noqa: SLF001  here and below
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=made._retry_backoff * 1_000,  # noqa: SLF001
            request_timeout_ms=made._request_timeout_ms,  # noqa: SLF001
        )

    def fill_batch(self, keys: Sequence[bytes], values: Sequence[bytes], first: int = 0) -> BatchBuilder:
        """Return a batch of the records from place `first` on, in their order: fewer than all where it is full."""
        accumulator = self._message_accumulator
        codec, bytes_max = accumulator._compression_type, accumulator._batch_size  # noqa: SLF001
        if native.in_use and codec in CODECS:
            manager = self._txn_manager
            is_transactional = manager is not None and manager.transactional_id is not None
            return pack_batch(keys, values, first, bytes_max, codec, is_transactional=is_transactional)
        batch = self.create_batch()
        fill_batch(batch, keys, values, first)
        return batch

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        """Hand a batch over; the future tells of its delivery, and is not to be cancelled.

        Waits only where another batch for the partition waits, or where the partition is not known yet.
        """
        accumulator, where = self._message_accumulator, TopicPartition(topic, partition)
        is_open = not accumulator._closed and accumulator._exception is None  # noqa: SLF001
        manager = self._txn_manager
        if manager is not None and manager.transactional_id is not None:
            is_open = is_open and manager.is_in_transaction()
        is_known = partition in self._metadata._partitions.get(topic, ())  # noqa: SLF001
        delivery: asyncio.Future[RecordMetadata]
        if is_open and is_known and where not in accumulator._batches:  # noqa: SLF001
            delivery = accumulator._append_batch(batch, where).future  # noqa: SLF001
        else:
            delivery = await super().send_batch(batch, topic, partition=partition)
        return delivery


_ROUTINE = inspect.getsource(sender.Sender._sender_routine)  # noqa: SLF001
ensure(
    all(part in _ROUTINE for part in ("waiters |= tasks", "make_task_waiter()", "ignore_nodes=self._in_flight")),
    "aiokafka sends in another way than the pinned version",
)
_DRAIN = inspect.getsource(message_accumulator.MessageAccumulator.drain_by_nodes)
ensure(
    "self._waiter_future = self._loop.create_future()" in _DRAIN and "self._wakeup_handle = None" in _DRAIN,
    "aiokafka tells of new batches in another way than the pinned version",
)
