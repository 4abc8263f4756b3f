"""A soak from start to verdict. Leaves faults, stream and judging to their modules.

1. Three brokers, Valkey with a replica, Postgres, all behind proxies; workers and a checkpointer.
2. The stream runs; faults come in the order of the seed, one after another.
3. All is mended, the stream ends, everything settles.
4. Topics and stores are read and judged; the inputs are replayed into an empty Valkey; stores are reconciled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from metering.checkpoint.schema import migrate
from metering.cli.reconciling import reconcile_all
from metering.drill.schedule import Schedule
from metering.embedded.valkey import ValkeyServer
from metering.errors import MeteringError
from metering.ledger.connection import connect_redis
from metering.worker.replay import ReplayReport, replay
from metering.worker.topics import create_topics
from tests.end_to_end.evidence import collect
from tests.end_to_end.system import System, make_settings
from tests.faults.soak.brokers import BrokerFaults
from tests.faults.soak.fleet import Fleet
from tests.faults.soak.judge import Verdict, judge
from tests.faults.soak.processes import ProcessFaults
from tests.faults.soak.pulse import Pulse
from tests.faults.soak.report import Report, describe_memory
from tests.faults.soak.servers import SoakServers
from tests.faults.soak.stores import StoreFaults
from tests.faults.soak.stream import Stream
from tests.faults.soak.world import World

SESSION_MS = 6_000
SETTLE_SECONDS_MAX = 600.0
SEND_PATIENCE_MS = 300_000
AWAY_SHARE = 1 / 12
AWAY_SECONDS_MAX = 300.0
PROGRAM = "tests.faults.program"


class Soak:
    """One run. `minutes` 0: every fault once, or one of each family, instead of a time."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *,
        minutes: float,
        per_second: int,
        workers: int = 2,
        away_seconds: float | None = None,
    ) -> None:
        """Describe it. Half-way Redis is stopped for `away_seconds`; None: a twelfth of the time, 5 minutes at most."""
        share_seconds = min(AWAY_SECONDS_MAX, minutes * 60 * AWAY_SHARE)
        self._away_seconds = share_seconds if away_seconds is None else away_seconds
        self.seed = seed
        self.minutes = minutes
        self._directory = directory
        self._per_second = per_second
        self._workers = workers
        self._away: tuple[float, float] | None = None

    async def run(self, inject: Callable[[Schedule], Awaitable[None]] | None = None) -> Report:
        """Run it all. `inject` says which faults come, when not those of `minutes`. Interrupted, its processes end."""
        async with self._world() as world:
            stores = StoreFaults(world)
            faults = [*ProcessFaults(world).faults(), *BrokerFaults(world).faults(), *stores.faults()]
            schedule = Schedule(faults, self.seed, (0.5, 3.0))
            stream, pulse = world.stream, world.pulse
            await stream.open()
            await pulse.open()
            # What fails in one of them fails the run.
            async with asyncio.TaskGroup() as group:
                keeping, listening = group.create_task(world.fleet.keep()), group.create_task(pulse.listen())
                sending, beating = group.create_task(stream.run()), group.create_task(pulse.beat())
                await pulse.flowing(time.monotonic())
                if inject is not None:
                    await inject(schedule)
                else:
                    await self._inject_for_minutes(schedule, stores, world)
                world.servers.mend_all()
                stream.stop()
                pulse.stop()
                await asyncio.gather(sending, beating)
                started = time.monotonic()
                await world.system.settled(SETTLE_SECONDS_MAX)
                settled = time.monotonic() - started
                for task in (keeping, listening):
                    task.cancel()
            # Nothing may change any more, and judging takes so long that they would not hear from their brokers.
            for process in list(world.system.processes):
                await world.system.stop(process)
            return await self._conclude(world, schedule, settled)

    async def _inject_for_minutes(self, schedule: Schedule, stores: StoreFaults, world: World) -> None:
        """Half of the time, then Redis stopped for long, then the other half."""
        half_seconds = (self.minutes * 60 - self._away_seconds) / 2
        await schedule.run_for(half_seconds)
        since = world.fleet.memory[-1].at_seconds
        await stores.redis_away(self._away_seconds)
        self._away = (since, world.fleet.memory[-1].at_seconds)
        await schedule.run_for(half_seconds)

    @asynccontextmanager
    async def _world(self) -> AsyncIterator[World]:
        async with AsyncExitStack() as stack:
            servers = await stack.enter_async_context(SoakServers.started())
            fresh = await servers.fresh_stack()
            settings = make_settings(fresh)
            kafka = settings.kafka.model_copy(update={"session_timeout_ms": SESSION_MS})
            system = System(fresh, self._directory, settings.model_copy(update={"kafka": kafka}))
            stack.push_async_callback(system.close)
            system.program = PROGRAM
            system.send_patience_ms = SEND_PATIENCE_MS
            # Whichever server is the primary now.
            await system.redis.aclose()
            system.redis = Redis.from_url(fresh.endpoints.redis_url, socket_timeout=5.0, retry=None)
            await create_topics(system.settings.kafka)
            await migrate(system.settings.postgres.dsn)
            fleet = Fleet(system, self._workers)
            stream = Stream(system, self.seed, self._per_second)
            yield World(servers, system, fleet, stream, Pulse(system), SESSION_MS / 1_000)

    async def _conclude(self, world: World, schedule: Schedule, settled: float) -> Report:
        system, stream, pulse = world.system, world.stream, world.pulse
        evidence = await collect(system)
        verdict: Verdict = judge(evidence, {**stream.totals, **pulse.totals}, stream.poor)
        drift, replayed = -1, ReplayReport()
        try:
            drift = (await reconcile_all(system.settings)).drift
            async with ValkeyServer() as scratch, connect_redis(scratch.url) as redis:
                replayed = await replay(system.settings, redis)
        except MeteringError as error:
            verdict.problems.append(f"{type(error).__name__}: {error}")
        return Report(
            seed=self.seed,
            minutes=self.minutes,
            per_second=self._per_second,
            verdict=verdict,
            faults=schedule.counts(),
            injected=schedule.injected,
            recoveries=sorted(schedule.recoveries()),
            redis_away_seconds=self._away_seconds if self._away else 0.0,
            memory=describe_memory(world.fleet.memory, self._away),
            settled_seconds=settled,
            replay_entries=replayed.entries,
            replay_differing=replayed.differing,
            replay_differences=replayed.differences,
            reconcile_drift=drift,
            ended=world.fleet.ended,
        )
