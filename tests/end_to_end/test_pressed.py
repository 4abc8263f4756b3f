"""Entries that are put into batches as soon as they are applied stand in the ledger in their order, all and once."""

from __future__ import annotations

import asyncio

import pytest

from metering.settings import WorkerSettings
from metering.worker import publishing
from metering.worker.publishing import Publication, TransactionalPublisher
from metering.worker.service import WorkerService
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_APACHE

pytestmark = [
    pytest.mark.timeout(240),
    ON_APACHE,
]

ENOUGH = 20
EVENTS, FEW = 2_000, 5


async def test_large_and_small_chunks_are_published_in_their_order(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "PRESSED_ENTRIES_MIN", ENOUGH)
    publish, published = TransactionalPublisher._publish_through, list[tuple[int, int]]()

    async def noted(self: TransactionalPublisher, producer: object, publication: Publication) -> object:
        published.append((len(publication.pressed), len(publication.values)))
        return await publish(self, producer, publication)

    monkeypatch.setattr(TransactionalPublisher, "_publish_through", noted)
    system.start_checkpointer()
    await system.send_commands(opening("acme", 1_000_000_000))
    await system.send([text("acme", f"t-{n}", AMERICA) for n in range(EVENTS)])
    settings = system.settings.with_section(
        worker=WorkerSettings(chunk_events_max=100, buffered_events_max=1_000, probe_seconds=0.5)
    )
    worker = WorkerService(settings)
    await worker.start()
    try:
        for n in range(FEW):
            await system.send([text("acme", f"late-{n}", AMERICA)])
            await asyncio.sleep(0.05)
        await system.settled()
    finally:
        await worker.stop()
    await prove(system, {"acme": Totals(1_000_000_000 - (EVENTS + FEW) * 10_000)})
    assert sum(pressed for pressed, _ in published) > EVENTS // 100 // 2
    assert sum(raw for _, raw in published) > 0
