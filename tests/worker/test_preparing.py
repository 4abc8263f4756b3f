"""In a backlog a bucket's next chunk is priced while Redis applies one, and called for before that is told.

At a light load neither.

Leaves faults in between to the simulation, whose chunks are of five events.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from metering.contracts.partitioning import partition_of
from metering.errors import Retryable
from metering.ledger.keys import BucketKeys
from metering.ledger.live import BucketReader
from metering.ledger.till import Till
from metering.worker import applying, telling
from metering.worker.preparing import Preparer
from metering.worker.service import WorkerService
from metering.worker.sharing import Shares
from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals
from tests.waiting import wait_until

BUCKET = partition_of("acme", PARTITIONS)
TEXTS = 800
CREDIT_MICROS = 10**9


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the bucket of `acme` did: `apply` and `tell` as they begin, `applied` and `priced` as they have ended."""
    noted: list[str] = []
    apply, price, tell = Till.apply, Preparer.price, telling.tell_results

    async def apply_noted(self: Till, *arguments: Any) -> Any:
        if self.bucket != BUCKET:
            return await apply(self, *arguments)
        noted.append("apply")
        answer = await apply(self, *arguments)
        noted.append("applied")
        return answer

    async def price_noted(self: Preparer, *arguments: Any) -> Any:
        chunk = await price(self, *arguments)
        if self._bucket == BUCKET:
            noted.append("priced")
        return chunk

    def tell_noted(bucket: int, *arguments: Any) -> Any:
        if bucket == BUCKET:
            noted.append("tell")
        return tell(bucket, *arguments)

    monkeypatch.setattr(applying, "tell_results", tell_noted)
    monkeypatch.setattr(Till, "apply", apply_noted)
    monkeypatch.setattr(Preparer, "price", price_noted)
    return noted


def calls(steps: list[str]) -> list[list[str]]:
    """What was done between the beginning of each call and its end."""
    found, since = [], list[str]()
    for step in steps:
        if step == "apply":
            since = []
        elif step == "applied":
            found.append(since)
            since = []
        else:
            since.append(step)
    return found


def priced_meanwhile(steps: list[str]) -> int:
    """How many chunks were priced while Redis applied another."""
    return sum("priced" in meanwhile for meanwhile in calls(steps))


def told_meanwhile(steps: list[str]) -> int:
    """How many answers were told while Redis applied the next chunk."""
    return sum("tell" in meanwhile for meanwhile in calls(steps))


async def start_with_backlog(system: System, worker: WorkerService) -> None:
    system.start_checkpointer()
    await system.send_commands(opening("acme", CREDIT_MICROS))
    await system.send([text("acme", f"t-{number}", AMERICA) for number in range(TEXTS)])
    await worker.start()


async def test_in_a_backlog_a_chunk_is_priced_while_the_one_before_is_applied(
    system: System, worker: WorkerService, steps: list[str]
) -> None:
    await start_with_backlog(system, worker)
    await system.settled()
    # Eight or nine chunks: not after that with the commands, and not those that the last reading brought too late for.
    assert priced_meanwhile(steps) >= 3, steps
    assert told_meanwhile(steps) >= 3, steps
    await prove(system, {"acme": Totals(CREDIT_MICROS - TEXTS * 10_000)})


@pytest.mark.parametrize("is_hindmost", [True, False])
async def test_beside_chunks_of_others_only_the_hindmost_bucket_goes_ahead(
    system: System, worker: WorkerService, steps: list[str], monkeypatch: pytest.MonkeyPatch, is_hindmost: bool
) -> None:
    def always(value: int | None) -> property:
        return property(lambda _: value, lambda _, __: None)

    monkeypatch.setattr(Shares, "applying", always(2), raising=False)
    if not is_hindmost:
        monkeypatch.setattr(Shares, "hindmost", always(BUCKET + 1), raising=False)
    await start_with_backlog(system, worker)
    await system.settled()
    ahead = priced_meanwhile(steps), told_meanwhile(steps)
    assert min(ahead) >= 3 if is_hindmost else ahead == (0, 0), steps
    await prove(system, {"acme": Totals(CREDIT_MICROS - TEXTS * 10_000)})


async def test_worker_that_stops_tells_what_it_had_called_for_ahead(
    system: System, worker: WorkerService, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, stopping = Till.apply, list[asyncio.Task[None]]()

    async def apply_and_stop(self: Till, *arguments: Any) -> Any:
        # The call before was made ahead, and this one before its answer is told.
        if self.bucket == BUCKET and told_meanwhile(steps) >= 2 and steps[-1] == "applied" and not stopping:
            stopping.append(asyncio.create_task(worker.stop()))
            await asyncio.sleep(0)
        return await apply(self, *arguments)

    monkeypatch.setattr(Till, "apply", apply_and_stop)
    await start_with_backlog(system, worker)
    await wait_until(lambda: bool(stopping) and stopping[0].done(), "the worker has stopped")

    assert steps.count("applied") == steps.count("tell") < TEXTS // 100
    assert await system.redis.llen(BucketKeys(BUCKET).outbox) == 0, "what is applied is published"
    monkeypatch.undo()
    async with WorkerService(system.settings):
        await system.settled()
    await prove(system, {"acme": Totals(CREDIT_MICROS - TEXTS * 10_000)})


async def test_commands_are_applied_before_what_comes_after_them_is_priced(
    system: System, worker: WorkerService, steps: list[str]
) -> None:
    system.start_checkpointer()
    await system.send_commands(opening("acme", CREDIT_MICROS))
    for number in range(6):
        await system.send([text("acme", f"t-{number}-{n}", AMERICA) for n in range(150)])
        plan = ("users-usd", "payg-usd")[number % 2]
        await system.send_commands([command("acme", f"plan-{number}", "set_plan", plan=plan)])
    await worker.start()
    await system.settled()
    assert "priced" in steps
    # Each entry says which plan it was priced by: the replay makes all of them again, one chunk after the other.
    await prove(system)


async def test_what_cannot_be_priced_ahead_is_priced_in_its_turn(
    system: System, worker: WorkerService, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, failures = BucketReader.settings, list[str]()

    async def settings_or_not(self: BucketReader, names: Any) -> Any:
        if steps and steps[-1] == "apply":
            failures.append("ahead")
            raise Retryable("Redis does not answer this one")
        return await settings(self, names)

    monkeypatch.setattr(BucketReader, "settings", settings_or_not)
    names = [name for name in map("c-{}".format, range(2_000)) if partition_of(name, PARTITIONS) == BUCKET][:300]
    system.start_checkpointer()
    before = WorkerService(system.settings)
    await before.start()
    await system.send_commands([record for name in names for record in opening(name, CREDIT_MICROS)])
    await system.settled()
    # Another worker knows no customer.
    await before.stop()
    await system.send([text(name, f"t-{name}-{n}", AMERICA) for name in names for n in range(3)])
    await worker.start()
    await system.settled()
    monkeypatch.undo()  # a replay prices as well
    assert failures, steps
    await prove(system, {name: Totals(CREDIT_MICROS - 3 * 10_000) for name in names})


async def test_at_a_light_load_chunks_are_priced_when_their_turn_has_come(
    system: System, worker: WorkerService, steps: list[str]
) -> None:
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", CREDIT_MICROS))
    for number in range(20):
        await system.send([text("acme", f"t-{number}-{n}", AMERICA) for n in range(4)])
        await system.applied()
    await system.settled()
    assert "priced" in steps
    assert priced_meanwhile(steps) == told_meanwhile(steps) == 0
    await prove(system, {"acme": Totals(CREDIT_MICROS - 80 * 10_000)})
