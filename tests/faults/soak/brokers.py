"""Faults of the brokers, the network before them, and the producers. Leaves stores to `stores`."""

from __future__ import annotations

import asyncio
import random
import time

from metering.drill.schedule import Fault
from tests.faults.proxy import Proxy
from tests.faults.soak.world import World

AWAY_SECONDS = (1.0, 5.0)


class BrokerFaults:
    """Each method is a fault: it lets it happen, and mends it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cluster = world.servers.cluster
        self._proxies = world.servers.broker_proxies

    def faults(self) -> list[Fault]:
        """All of them."""
        return [
            Fault("broker", "killed_and_restarted", self.broker_killed),
            Fault("broker", "stopped_so_that_leaders_change", self.broker_stopped),
            Fault("broker", "slow", self.broker_slow),
            Fault("network", "one_broker_cut_off", self.broker_cut_off),
            Fault("network", "all_brokers_cut_off", self.all_cut_off),
            Fault("producer", "repeats", self.producer_repeats),
            Fault("producer", "reorders", self.producer_reorders),
            Fault("producer", "wrong_partition", self.producer_misplaces),
            Fault("producer", "poison", self.producer_poisons),
        ]

    async def broker_killed(self, rng: random.Random) -> float | None:
        """kill -9 of one of three; it comes back with what it had."""
        node = rng.choice(self._cluster.nodes)
        await node.kill()
        await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
        await node.start()
        return await self._calm()

    async def broker_stopped(self, rng: random.Random) -> float | None:
        """One of three hands over its partitions and leaves; it comes back."""
        node = rng.choice(self._cluster.nodes)
        await node.stop()
        await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
        await node.start()
        return await self._calm()

    async def broker_slow(self, rng: random.Random) -> float | None:
        """Each answer of one of three comes a third of a second late, and each question."""
        proxy = rng.choice(self._proxies)
        proxy.delay_seconds = 0.3
        await asyncio.sleep(rng.uniform(4.0, 8.0))
        proxy.mend()
        return await self._calm()

    async def broker_cut_off(self, rng: random.Random) -> float | None:
        """Clients cannot reach one of three; the brokers see each other."""
        await self._cut([rng.choice(self._proxies)], rng)
        return await self._calm()

    async def all_cut_off(self, rng: random.Random) -> float | None:
        """Clients reach none."""
        await self._cut(self._proxies, rng)
        return await self._calm()

    async def producer_repeats(self, _: random.Random) -> float | None:
        """The last events again."""
        await self._world.stream.repeat()
        return None

    async def producer_reorders(self, _: random.Random) -> float | None:
        """Charges in another order than they were made."""
        await self._world.stream.reorder()
        return None

    async def producer_misplaces(self, _: random.Random) -> float | None:
        """Another partitioner."""
        await self._world.stream.misplace()
        return None

    async def producer_poisons(self, _: random.Random) -> float | None:
        """No events at all."""
        await self._world.stream.poison()
        return None

    async def _cut(self, proxies: list[Proxy], rng: random.Random) -> None:
        for proxy in proxies:
            proxy.cut()
        await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
        for proxy in proxies:
            proxy.mend()

    async def _calm(self) -> float | None:
        """Wait until decisions flow: the next fault is another one, not more of this."""
        await self._world.pulse.flowing(time.monotonic())
        return None
