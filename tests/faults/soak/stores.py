"""Faults of Redis and Postgres. Leaves brokers to `brokers`."""

from __future__ import annotations

import asyncio
import random
import time

from redis.asyncio import Redis

from metering.drill.schedule import Fault
from tests.faults.soak.world import World

AWAY_SECONDS = (1.0, 5.0)


class StoreFaults:
    """Each method is a fault: it lets it happen, and mends it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._servers = world.servers

    def faults(self) -> list[Fault]:
        """All of them."""
        return [
            Fault("redis", "killed", self.redis_killed),
            Fault("redis", "flushed", self.redis_flushed),
            Fault("redis", "restarted_from_an_old_snapshot", self.redis_set_back),
            Fault("redis", "lagging_replica_promoted", self.redis_replaced),
            Fault("redis", "full", self.redis_full),
            Fault("redis", "scripts_flushed", self.redis_scripts_flushed),
            Fault("redis", "half_a_second_late", self.redis_slow),
            Fault("redis", "cut_off", self.redis_cut_off),
            Fault("postgres", "down", self.postgres_down),
            Fault("postgres", "killed_in_mid_transaction", self.postgres_killed),
            Fault("postgres", "refuses_at_start", self.postgres_refuses_at_start),
            Fault("postgres", "cut_off", self.postgres_cut_off),
            Fault("postgres", "disk_full", self.postgres_full),
        ]

    async def redis_killed(self, rng: random.Random) -> float | None:
        """kill -9; it comes back with all that it acknowledged."""
        await self._servers.primary.kill()
        await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
        await self._servers.primary.start()
        return await self._calm()

    async def redis_flushed(self, _: random.Random) -> float | None:
        """All keys gone at once."""
        async with Redis.from_url(self._servers.primary.url) as client:
            await client.flushall()
        return await self._calm()

    async def redis_set_back(self, rng: random.Random) -> float | None:
        """It comes back as it was some seconds before."""
        snapshot = await self._servers.primary.save_snapshot()
        await asyncio.sleep(rng.uniform(1.0, 4.0))
        await self._servers.primary.restart_from(snapshot)
        return await self._calm()

    async def redis_replaced(self, rng: random.Random) -> float | None:
        """A replica that has not seen the last seconds becomes the primary."""
        self._servers.replication_proxy.cut()
        await asyncio.sleep(rng.uniform(1.0, 4.0))
        await self._servers.promote()
        return await self._calm()

    async def redis_full(self, rng: random.Random) -> float | None:
        """`maxmemory` reached: writes are refused until there is room."""
        async with Redis.from_url(self._servers.primary.url) as client:
            await client.config_set("maxmemory", "1mb")
            await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
            await client.config_set("maxmemory", "0")
        return await self._calm()

    async def redis_scripts_flushed(self, _: random.Random) -> float | None:
        """It forgets the scripts that it was sent."""
        async with Redis.from_url(self._servers.primary.url) as client:
            await client.function_flush()
        return await self._calm()

    async def redis_slow(self, rng: random.Random) -> float | None:
        """Each answer takes half a second more."""
        self._servers.redis_proxy.delay_seconds = 0.25  # in each direction
        await asyncio.sleep(rng.uniform(4.0, 8.0))
        self._servers.redis_proxy.mend()
        return await self._calm()

    async def redis_cut_off(self, rng: random.Random) -> float | None:
        """Calls under way find no answer, and new ones no connection."""
        self._servers.redis_proxy.cut()
        await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
        self._servers.redis_proxy.mend()
        return await self._calm()

    async def redis_away(self, seconds: float) -> None:
        """Stopped for long, with traffic going on."""
        await self._servers.primary.kill()
        await asyncio.sleep(seconds)
        await self._servers.primary.start()
        await self._calm()

    async def postgres_down(self, rng: random.Random) -> float | None:
        """Stopped in order, away for a while."""
        await self._servers.postgres.stop()
        await asyncio.sleep(rng.uniform(5.0, 15.0))
        await self._servers.postgres.start()
        return None

    async def postgres_killed(self, rng: random.Random) -> float | None:
        """kill -9 while flushes are under way."""
        await asyncio.sleep(rng.uniform(0.0, 0.3))
        await self._servers.postgres.kill()
        await self._servers.postgres.start()
        return None

    async def postgres_full(self, rng: random.Random) -> float | None:
        """No room for a byte more, until somebody makes some."""
        postgres = self._servers.postgres
        postgres.fill()
        try:
            await asyncio.sleep(rng.uniform(3.0, 6.0))
        finally:
            await postgres.free()
        return None

    async def postgres_refuses_at_start(self, _: random.Random) -> float | None:
        """A worker and a checkpointer start while nothing listens."""
        await self._servers.postgres.stop()
        fleet = self._world.fleet
        for victims in (fleet.victims[:1], fleet.checkpointers[:1]):
            for process in victims:
                fleet.kill(process)
        await asyncio.sleep(5.0)
        await self._servers.postgres.start()
        return None

    async def postgres_cut_off(self, rng: random.Random) -> float | None:
        """Statements under way find no answer."""
        self._servers.postgres_proxy.cut()
        await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
        self._servers.postgres_proxy.mend()
        return None

    async def _calm(self) -> float | None:
        """Wait until decisions flow: the next fault is another one, not more of this."""
        await self._world.pulse.flowing(time.monotonic())
        return None
