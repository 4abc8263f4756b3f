"""Fetches are held back after an answer with records, and after no other."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher

from metering.worker import pacing
from metering.worker.pacing import pace_fetches
from metering.worker.service import WorkerService
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals

PAUSE_SECONDS = 0.05


class Asked:
    """A client's fetcher that answers at once, and notes when it was asked."""

    def __init__(self, answers: list[bool]) -> None:
        self.at: list[float] = []
        self._answers = answers

    async def _proc_fetch_request(self, _: object, __: int, ___: object) -> bool:
        self.at.append(asyncio.get_running_loop().time())
        return self._answers.pop(0)


def paced(monkeypatch: pytest.MonkeyPatch, answers: list[bool]) -> Any:
    monkeypatch.setattr(pacing, "FETCH_PAUSE_SECONDS", PAUSE_SECONDS)
    fetcher = Asked(answers)
    consumer: Any = SimpleNamespace(_fetcher=fetcher)
    pace_fetches(consumer)
    return fetcher


async def test_broker_is_asked_again_after_a_pause_where_its_answer_had_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetcher = paced(monkeypatch, [True, False, True])
    assert [await fetcher._proc_fetch_request(None, 1, None) for _ in range(3)] == [True, False, True]
    first, second, third = fetcher.at
    assert second - first >= PAUSE_SECONDS
    assert third - second < PAUSE_SECONDS


async def test_each_broker_has_pauses_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher = paced(monkeypatch, [True, True])
    for node in (1, 2):
        await fetcher._proc_fetch_request(None, node, None)
    assert fetcher.at[1] - fetcher.at[0] < PAUSE_SECONDS


async def test_fetch_that_is_dropped_in_its_pause_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher = paced(monkeypatch, [True, True])
    await fetcher._proc_fetch_request(None, 1, None)
    dropped = asyncio.create_task(fetcher._proc_fetch_request(None, 1, None))
    await asyncio.sleep(0)
    dropped.cancel()
    assert await dropped is False
    assert len(fetcher.at) == 1


async def test_worker_asks_its_broker_with_pauses_and_loses_nothing(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "FETCH_PAUSE_SECONDS", PAUSE_SECONDS)
    asked: list[tuple[object, int, float, float, bool]] = []
    fetch, now = Fetcher._proc_fetch_request, asyncio.get_running_loop().time

    async def noted(fetcher: object, assignment: object, node: int, request: object) -> bool:
        at = now()
        has_records = await fetch(fetcher, assignment, node, request)
        asked.append((fetcher, node, at, now(), has_records))
        return bool(has_records)

    monkeypatch.setattr(Fetcher, "_proc_fetch_request", noted)
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000))
    for first in range(0, 60, 10):
        await system.send([text("acme", f"t-{n}", AMERICA) for n in range(first, first + 10)])
    await system.settled()
    assert worker.intake is not None
    own = [one[1:] for one in asked if one[0] is worker.intake._consumer._fetcher]
    pauses = [
        later[1] - earlier[2]
        for node in {one[0] for one in own}
        for earlier, later in pairwise(one for one in own if one[0] == node)
        if earlier[3]
    ]
    assert pauses
    assert min(pauses) >= PAUSE_SECONDS
    await prove(system, {"acme": Totals(1_000_000 - 60 * 10_000)})
