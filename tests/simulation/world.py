"""Runs a schedule: servers, workers, faults, then quiet until all is done. Leaves judging it to `judge`."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from metering.contracts.entries import Position
from metering.contracts.partitioning import partition_of
from metering.ledger import identity
from metering.ledger.head import Head, StoredHead
from tests.simulation.books import ModelBooks
from tests.simulation.broker import Broker, NewRecord
from tests.simulation.group import SESSION_SECONDS, Group
from tests.simulation.loop import WORLD, SimulatedLoop, StuckError
from tests.simulation.model_redis import RedisServer
from tests.simulation.network import Weather
from tests.simulation.schedule import HOUR_MS, Disturbance, Schedule, Sending
from tests.simulation.traffic import Message
from tests.simulation.worker import Servers, SimulatedWorker

STEPS_MAX = 400_000
SETTLE_SECONDS_MAX = 240.0
RESTART_SECONDS = 1.0


@dataclass
class Outcome:
    """What a run left behind."""

    schedule: Schedule
    servers: Servers
    messages: dict[bytes, Message] = field(default_factory=dict)
    """By the bytes that were sent."""
    steps: int = 0
    seconds: float = 0.0
    problem: str | None = None
    """Why it did not come to its end."""


class World:
    """One run."""

    def __init__(self, schedule: Schedule) -> None:
        rng = random.Random(schedule.seed ^ 0x5EED)
        loop = self.loop = SimulatedLoop(rng, STEPS_MAX)
        weather = Weather()
        for server, chances in schedule.chances:
            weather.lost[server], weather.unanswered[server] = chances.lost, chances.unanswered
            weather.late[server], weather.slow[server] = chances.late, chances.slow
        broker = Broker(loop, rng)
        self.servers = Servers(
            loop,
            rng,
            weather,
            broker,
            RedisServer(),
            ModelBooks(broker, rng, schedule.buckets),
            Group(loop, rng, schedule.buckets),
            schedule.buckets,
            schedule.transactions,
        )
        self.schedule = schedule
        self.workers: list[SimulatedWorker] = []
        self.outcome = Outcome(schedule, self.servers)
        self._started = 0
        self._is_calm = False

    async def run(self) -> None:
        """Run it all."""
        books = self.loop.create_task(self.servers.books.run(), context=WORLD.copy())
        try:
            for _ in range(self.schedule.workers):
                self._start_worker()
            for action in self.schedule.actions:
                await asyncio.sleep(action.at - self.loop.time())
                if isinstance(action, Sending):
                    self._send(action)
                else:
                    self._disturb(action)
            await asyncio.sleep(0.2)
            self._calm()
            await self._settle()
        except StuckError as error:
            self.outcome.problem = str(error)
        finally:
            self.outcome.steps, self.outcome.seconds = self.loop.steps, self.loop.time()
            books.cancel()
            await self.servers.group.end()
            processes = [worker.process for worker in self.workers]
            await self.loop.reap(processes)
            self.loop.unhandled += [failure for process in processes for failure in process.failures]

    def _start_worker(self) -> None:
        worker = SimulatedWorker(self.servers, f"w{self._started}")
        self._started += 1
        self.workers.append(worker)
        worker.start()

    def _send(self, sending: Sending) -> None:
        servers = self.servers
        for message in sending.messages:
            value = message.value()
            self.outcome.messages[value] = message
            number = partition_of(message.customer, servers.buckets)
            if sending.astray and message.topic == "usage":
                number = (number + 1) % servers.buckets
            servers.broker.produce((message.topic, number), [NewRecord(message.customer.encode(), value)])

    def _disturb(self, disturbance: Disturbance) -> None:  # noqa: C901, PLR0912  one case for each fault
        servers, amount = self.servers, disturbance.amount
        living = [worker for worker in self.workers if worker.process.runs and not worker.stopping]
        worker = living[disturbance.whom % len(living)] if living else None
        match disturbance.fault:
            case "kill" if worker:
                self._kill(worker)
            case "kill_at" if worker and disturbance.step:
                worker.ambush.lay(disturbance.step, lambda: self._kill(worker))
            case "freeze_at" if worker and disturbance.step:
                worker.ambush.lay(disturbance.step, lambda: self._freeze(worker, amount))
            case "zombie" if worker:
                servers.group.evict(worker.process, amount)
                self.loop.later(RESTART_SECONDS / 10, self._start_worker)
            case "freeze" if worker:
                self._freeze(worker, amount)
            case "start":
                self._start_worker()
            case "stop" if worker and len(living) > 1:
                worker.stop()
            case "redis_flush":
                servers.redis.flush()
            case "redis_back":
                servers.redis.go_back(int(amount))
            case "scripts_flush":
                servers.redis.functions = {}
            case "redis_down" | "kafka_down" | "postgres_down":
                server = disturbance.fault.removesuffix("_down")
                servers.weather.down.add(server)
                self.loop.later(amount, servers.weather.down.discard, server)
            case "books_held":
                servers.books.held_back = True
                self.loop.later(amount, setattr, servers.books, "held_back", False)
            case "clock_forward":
                servers.broker.clock_ahead_ms += int(amount * HOUR_MS)

    def _kill(self, worker: SimulatedWorker) -> None:
        """SIGKILL; its supervisor starts another."""
        if not self._is_calm and not worker.process.dead:
            worker.process.dead = True
            self.loop.later(SESSION_SECONDS, self.servers.group.expire, worker.process)
            self.loop.later(RESTART_SECONDS, self._start_worker)

    def _freeze(self, worker: SimulatedWorker, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        if not self._is_calm:
            worker.process.frozen = True
            self.loop.later(SESSION_SECONDS, self.servers.group.expire, worker.process)
            self.loop.later(seconds, self.loop.thaw, worker.process)

    def _calm(self) -> None:
        """From now on nothing bad happens any more."""
        self._is_calm = True
        self.servers.weather.clear()
        self.servers.books.held_back = False
        for worker in self.workers:
            if worker.process.frozen:
                self.loop.thaw(worker.process)
        if not any(worker.process.runs and not worker.stopping for worker in self.workers):
            self._start_worker()

    async def _settle(self) -> None:
        """Wait until all that was sent is applied, published, and in the books."""
        ends_at = self.loop.time() + SETTLE_SECONDS_MAX
        while self.loop.time() < ends_at:
            await asyncio.sleep(0.5)
            if all(self._is_done(number) for number in range(self.schedule.buckets)) and not any(
                log.open for log in self.servers.broker.logs.values()
            ):
                return
        raise StuckError("; ".join(f"bucket {n}: {self._status(n)}" for n in range(self.schedule.buckets)))

    def _is_done(self, number: int) -> bool:
        status = self._status(number)
        done = (status["usage"], status["commands"]) == (status["usage_end"], status["commands_end"])
        return done and status["loaded"] and status["seq"] == status["books"] and status["unread"] == 0

    def _status(self, number: int) -> dict[str, Any]:
        servers = self.servers
        meta = servers.redis.store.get(f"{{b{number}}}:meta".encode(), {})
        ledger = servers.broker.log(("ledger", number))
        stored = StoredHead.of_field(meta[b"head"]).head if b"head" in meta else Head(-1, "", Position(-1, -1))
        return {
            "loaded": b"head" in meta,
            "usage": stored.position.usage,
            "usage_end": servers.broker.log(("usage", number)).end,
            "commands": stored.position.commands,
            "commands_end": servers.broker.log(("commands", number)).end,
            "seq": stored.seq,
            "base": int(meta.get(b"base_seq", b"-1")),
            "books": len(servers.books.buckets[number].entries),
            "unread": ledger.end - servers.books._read[number],
            "stopped": servers.redis.store.get(f"{{b{number}}}:stopped".encode()),
        }


class _SeededIds:
    """Stands in for `secrets` where ids and tokens are drawn: as random, and the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def token_hex(self, size: int) -> str:
        """Return `size` bytes as text."""
        return self._rng.randbytes(size).hex()


@contextmanager
def _determined(seed: int) -> Iterator[None]:
    """Take chance and noise out: seeded ids, no collection of garbage at odd moments, no logging."""
    names, configuration = vars(identity), structlog.get_config()
    real = names["secrets"]
    names["secrets"] = _SeededIds(seed)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        names["secrets"] = real
        structlog.configure(**configuration)
        if was_enabled:
            gc.enable()


def run(schedule: Schedule) -> Outcome:
    """Run a schedule from beginning to end. The same schedule always gives the same outcome."""
    with _determined(schedule.seed):
        world = World(schedule)
        try:
            world.loop.run_until_complete(world.run())
        except StuckError as error:
            world.outcome.problem = world.outcome.problem or f"cannot be put away: {error}"
        finally:
            world.loop.close()
    return world.outcome
