"""`metering drill` on a whole system: exact where the system is, and telling where it is not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from metering.cli.app import run
from metering.contracts.topics import Topic
from metering.drill.proof import Starts, prove
from metering.drill.run import Drill, DrillOptions
from metering.drill.traffic import SOURCE
from metering.errors import Fatal
from metering.worker.kafka import Kafka
from tests.end_to_end.system import PARTITIONS, System
from tests.stack.brokers import ON_TANSU
from tests.stack.fresh import FreshStack

pytestmark = pytest.mark.timeout(240)
OPTIONS = DrillOptions(prefix="drill-", seed=5, seconds=6.0, per_second=40)


@pytest_asyncio.fixture
async def system(stack: FreshStack, tmp_path: Path) -> AsyncIterator[System]:
    async with System.on(stack, tmp_path) as one:
        one.start_checkpointer()
        one.start_worker()
        yield one


async def test_drill_of_a_sound_system_with_its_worker_killed_finds_everything_exact(system: System) -> None:
    system.start_worker()

    async def replace() -> None:
        """What an orchestrator does: the command kills, somebody starts again."""
        while True:
            for process in list(system.processes):
                if process.returncode is not None:
                    system.processes.remove(process)
                    system.start_worker()
            await asyncio.sleep(0.2)

    replacing = asyncio.create_task(replace())
    kill = f"kill -9 {system.processes[-1].pid} 2>/dev/null || true"
    options = DrillOptions(prefix="drill-", seed=5, seconds=10.0, per_second=40, breaks={"worker": kill})
    try:
        report = await Drill(system.settings, options).run()
    finally:
        replacing.cancel()
    sys.stdout.write(f"{report}\n")
    assert report.proof.is_exact
    assert report.proof.entries > 100
    assert report.recoveries
    assert {"producer/poison", "producer/repeats", "producer/wrong_partition"} <= set(report.faults)


@ON_TANSU
async def test_proof_tells_what_is_lost_doubled_undecided_and_adrift(system: System) -> None:
    drill = Drill(system.settings, OPTIONS)
    report = await drill.run()
    assert report.proof.is_exact
    with pytest.raises(Fatal, match="exists already"):
        await Drill(system.settings, OPTIONS).run()

    traffic = drill.traffic
    traffic.sent.add((SOURCE, "never-sent"))
    traffic.asked.add("never-sent")
    victim = f"drill-{OPTIONS.seed}-spends-0"
    async with system.database.connection() as connection:
        await connection.execute(
            "UPDATE wallets SET available_micros = available_micros - 1 WHERE customer = $1", victim
        )
    once = next(record for record in traffic.spend(1, corrected=0.0))
    starts: Starts = {topic: dict.fromkeys(range(PARTITIONS), 0) for topic in (Topic.LEDGER, Topic.DECISIONS)}
    proof = await prove(Kafka(system.settings.kafka), system.redis, system.database, traffic, starts)
    assert (proof.lost, proof.doubled, proof.gaps, proof.undecided) == (2, 0, 0, 1)
    # The wallet in the books that somebody changed, and the one that would have paid for what was never sent.
    assert proof.drift == len({victim, once[0]})
    assert any(victim in problem for problem in proof.problems)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["drill", "--customers", "drill-"], "--yes-this-is-staging"),
        (["drill", "--customers", "x", "--yes-this-is-staging"], "three characters"),
    ],
)
def test_drill_without_consent_or_a_prefix_of_its_own_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 1
    assert said in capsys.readouterr().err


def test_command_without_a_name_is_wrong_usage() -> None:
    with pytest.raises(SystemExit, match="2"):
        run(["drill", "--customers", "drill-", "--break", "kubectl delete pod worker-0"])
