"""kill -9 at each numbered step of worker and checkpointer, on Apache Kafka. Leaves random moments to the others.

One system and one stream for all steps of a test: each process recovers what the one before it left, takes some more of
the stream, and dies at the next step. When the last has died, one that lives on settles everything; then topics and
both stores are held against the plain totals. So a step that lost or doubled anything is seen, by whomever it was
mended or made worse.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable
from itertools import islice

import pytest

from metering.embedded.process import Process
from metering.observe.steps import Step
from tests.faults.program import APPLY_SENT
from tests.faults.run import Run
from tests.stack.brokers import ON_APACHE

pytestmark = pytest.mark.timeout(420)

PROGRAM = "tests.faults.program"
DEATH_SECONDS_MAX = 80.0
RUN_STEPS = [
    Step.CLAIMED,
    Step.POLLED,
    Step.TAKEN,
    Step.SIDES_WRITTEN,
    Step.PRICED,
    APPLY_SENT,
    Step.APPLIED,
    Step.DECISIONS_SENT,
    Step.DECISIONS_ACKNOWLEDGED,
    Step.TRANSACTION_BEGUN,
    Step.RESULTS_PRODUCED,
    Step.OFFSETS_SENT,
    Step.COMMITTED,
    Step.TRIMMED,
]
CLAIM_STEPS = [Step.FENCED, Step.TOKEN_TAKEN, Step.END_READ, Step.COMPARED, Step.OUTBOX_PUBLISHED]
RESTORE_STEPS = [Step.COMPARED, Step.RESTORING, Step.RESTORED]
BOOKS_STEPS = [
    Step.BOOKS_OPENED,
    Step.POSITION_LOCKED,
    Step.ENTRIES_COPIED,
    Step.STATES_SAVED,
    Step.POSITION_MOVED,
    Step.BOOKS_COMMITTED,
    Step.TIDIED,
]


def test_every_step_that_there_is_has_its_kill() -> None:
    assert {*RUN_STEPS, *CLAIM_STEPS, *RESTORE_STEPS, *BOOKS_STEPS} - {APPLY_SENT} == set(Step)


@ON_APACHE
@pytest.mark.requirement("INF-01")
async def test_worker_killed_at_each_step_of_a_run_recovers_exactly(killing: Killing) -> None:
    system = killing.system
    # Not always the first chunk: that of the next is another one to lose.
    deaths = [(step, 1 if step == Step.CLAIMED else killing.random.randint(1, 3)) for step in RUN_STEPS]
    await killing.all_die(system.start_worker, system.start_checkpointer, deaths)


@ON_APACHE
@pytest.mark.requirement("INF-01")
async def test_worker_killed_at_each_step_of_a_claim_recovers_exactly(killing: Killing) -> None:
    system = killing.system
    # Each of the others leaves an outbox, that the claim which dies next has to publish.
    deaths = [(dying, 1) for step in CLAIM_STEPS for dying in (Step.DECISIONS_ACKNOWLEDGED, step)]
    await killing.all_die(system.start_worker, system.start_checkpointer, deaths)


@ON_APACHE
@pytest.mark.requirement("INF-01")
async def test_worker_killed_at_each_step_of_a_restore_recovers_exactly(killing: Killing) -> None:
    system = killing.system
    system.start_checkpointer()
    for step in RESTORE_STEPS:
        worker = system.start_worker()
        await killing.send_some()
        await system.settled()
        system.kill(worker)
        await system.redis.flushall()
        await killing.die_at(system.start_worker, step, 1)
    system.start_worker()
    await killing.settle()


@ON_APACHE
@pytest.mark.requirement("INF-01")
async def test_checkpointer_killed_at_each_step_of_a_flush_leaves_the_books_exact(killing: Killing) -> None:
    system = killing.system
    await killing.all_die(system.start_checkpointer, system.start_worker, [(step, 1) for step in BOOKS_STEPS])


@pytest.fixture
def killing(run: Run) -> Killing:
    return Killing(run)


class Killing:
    """A run in which one process after another dies at a step."""

    def __init__(self, run: Run) -> None:
        self.system = run.system
        self.random = run.random
        self._run = run
        self._opened = False
        self._rest = iter(run.traffic.events)
        run.system.program = PROGRAM

    async def all_die(
        self, start: Callable[[], Process], start_other: Callable[[], Process], deaths: Iterable[tuple[str, int]]
    ) -> None:
        """Let one process after another die while the other kind lives on; then start one that does not, and settle."""
        start_other()
        for step, count in deaths:
            await self.die_at(start, step, count)
        start()
        await self.settle()

    async def die_at(self, start: Callable[..., Process], step: str, count: int) -> None:
        """Start a process that dies at a step, and feed the stream until it has."""
        process = start(DIE_AT=f"{step}:{count}")
        for _ in range(int(DEATH_SECONDS_MAX / 0.25)):
            await self.send_some()
            if await process.wait(0.25):
                break
        self.system.processes.remove(process)
        assert process.returncode == -signal.SIGKILL, f"no death at {step}:\n{process.read_log_tail()}"
        sys.stdout.write(f"died at {step}:{count}\n")

    async def send_some(self) -> None:
        """Send a little more of the stream; the customers first of all."""
        if not self._opened:
            self._opened = True
            await self.system.send_commands(self._run.traffic.commands)
            await asyncio.sleep(0.5)  # so that the events' log time is later than the commands'
        await self.system.send(islice(self._rest, 12))

    async def settle(self) -> None:
        """Send what is left, and check everything."""
        await self.system.send(self._rest)
        await self._run.settle()
