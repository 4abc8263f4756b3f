"""Asks every bucket for a decision ten times a second. Leaves hearing them to `DecisionWatch`, faults to others."""

from __future__ import annotations

import asyncio

from metering.contracts.partitioning import partition_of
from metering.drill.decisions import DecisionWatch
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals

BEAT_SECONDS = 0.1
PRICE_MICROS = 10_000
CREDIT_MICROS = 10_000_000_000


class Pulse:
    """One customer a bucket, whose texts are decided. `totals` is what their wallets must come to."""

    def __init__(self, system: System) -> None:
        self.totals: dict[str, Totals] = {}
        self._watch = DecisionWatch(system.settings.kafka, range(PARTITIONS))
        self.listen = self._watch.listen
        self.flowing = self._watch.flowing
        self._system = system
        self._customers = [_customer_of(bucket) for bucket in range(PARTITIONS)]
        self._beats = 0
        self._stopping = False

    async def open(self) -> None:
        """Open the customers."""
        for customer in self._customers:
            await self._system.send_commands(opening(customer, CREDIT_MICROS))
            self.totals[customer] = Totals(CREDIT_MICROS)

    async def beat(self) -> None:
        """Ask until `stop`; a question that has begun is sent whole."""
        while not self._stopping:
            await self._ask()
            await asyncio.sleep(BEAT_SECONDS)

    def stop(self) -> None:
        """Let the question under way be the last."""
        self._stopping = True

    async def _ask(self) -> None:
        self._beats += 1
        records = []
        for customer in self._customers:
            name = f"beat-{customer}-{self._beats}"
            records.append(text(customer, name, AMERICA))
            self.totals[customer].balance_micros -= PRICE_MICROS
            self._watch.note_asked(name)
        await self._system.send(records)


def _customer_of(bucket: int) -> str:
    return next(name for n in range(10_000) if partition_of(name := f"pulse-{n}", PARTITIONS) == bucket)
