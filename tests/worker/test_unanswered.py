"""What a client never tells of, or breaks off by itself, holds up no bucket. Leaves servers to `tests/faults`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from metering.contracts.topics import Topic
from metering.worker import claiming, publishing, sending
from metering.worker.batch_producer import BatchProducer
from metering.worker.ledger_tail import find_ledger_end
from metering.worker.publishing import PlainPublisher
from metering.worker.service import WorkerService
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_APACHE, ON_TANSU

pytestmark = pytest.mark.requirement("INF-01")

TEXTS = 10
GIVEN_UP_SECONDS = 2.0


async def never(*_: Any, **__: Any) -> None:
    """What is asked and never answered."""
    await asyncio.Event().wait()


def cancelled_once(original: Callable[..., Any], times: list[str]) -> Callable[..., Any]:
    """A coroutine that ends the first time as one does whose client has cancelled what it waits for."""

    async def run(*arguments: Any) -> Any:
        times.append(original.__name__)
        if len(times) == 1:
            raise asyncio.CancelledError
        return await original(*arguments)

    return run


async def begin(system: System, worker: WorkerService) -> None:
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000))
    await system.settled()


async def meter_and_prove(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    await system.send([text("acme", f"t-{n}", AMERICA) for n in range(TEXTS)] + [("acme", b"{broken")])
    await system.settled()
    monkeypatch.undo()
    await prove(system, {"acme": Totals(1_000_000 - TEXTS * 10_000)})


@ON_TANSU
async def test_commit_that_is_never_answered_holds_up_no_publication_and_no_end(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AIOKafkaConsumer, "commit", never)
    await begin(system, worker)
    await system.send([text("acme", "first", AMERICA)])
    await system.settled()
    async with asyncio.timeout(60):
        await worker.stop()
    system.start_worker()
    await meter_more(system, monkeypatch)


async def meter_more(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    await system.send([text("acme", "more", AMERICA)])
    await system.settled()
    monkeypatch.undo()
    await prove(system, {"acme": Totals(1_000_000 - 2 * 10_000)})


@pytest.mark.parametrize("topic", [Topic.DECISIONS, Topic.LEDGER, Topic.DEAD_LETTERS])
async def test_batch_of_which_the_client_never_tells_is_given_up_and_sent_again_by_the_next_claim(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch, topic: Topic
) -> None:
    monkeypatch.setattr(sending, "DELIVERY_SECONDS_MAX", GIVEN_UP_SECONDS)
    await begin(system, worker)
    to_lose = [system.topic(topic)]
    send_batch = BatchProducer.send_batch

    async def lose_one(producer: AIOKafkaProducer, batch: Any, name: str, *, partition: int) -> Any:
        if name in to_lose:
            to_lose.remove(name)
            return asyncio.get_running_loop().create_future()
        return await send_batch(producer, batch, name, partition=partition)

    monkeypatch.setattr(BatchProducer, "send_batch", lose_one)
    await meter_and_prove(system, monkeypatch)
    assert to_lose == []


@ON_APACHE
async def test_transaction_that_does_not_end_is_given_up_and_made_again_by_the_next_claim(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(system, worker)
    monkeypatch.setattr(publishing, "TRANSACTION_SECONDS_MAX", GIVEN_UP_SECONDS)
    commit, commits = AIOKafkaProducer.commit_transaction, 0

    async def commit_but_once(producer: AIOKafkaProducer) -> None:
        nonlocal commits
        commits += 1
        await (never() if commits == 1 else commit(producer))

    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", commit_but_once)
    await meter_and_prove(system, monkeypatch)
    assert commits > 1


@ON_TANSU
async def test_publication_that_its_client_cancels_by_itself_is_made_again(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bucket ended without a word: whoever waits for a task takes the cancellation for his own."""
    await begin(system, worker)
    times: list[str] = []
    monkeypatch.setattr(PlainPublisher, "publish", cancelled_once(PlainPublisher.publish, times))
    await meter_and_prove(system, monkeypatch)
    assert len(times) > 1


@ON_TANSU
async def test_claim_that_a_client_cancels_by_itself_is_made_again(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[str] = []
    monkeypatch.setattr(claiming, "find_ledger_end", cancelled_once(find_ledger_end, times))
    await begin(system, worker)
    await meter_and_prove(system, monkeypatch)
    assert len(times) > system.settings.kafka.partitions
