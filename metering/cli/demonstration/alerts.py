"""Watches the `alerts` topic while the demo runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaConsumer

from metering.cli.kafka import open_reader
from metering.contracts.alerts import Alert
from metering.contracts.topics import Topic
from metering.errors import Fatal
from metering.settings import KafkaSettings

POLL_MS = 50

_decode = msgspec.json.Decoder(Alert).decode


class AlertWatch:
    """Alerts that have come, each once: a repeat has the same id."""

    def __init__(self) -> None:
        self.seen: dict[str, Alert] = {}
        self._came = asyncio.Condition()

    def of(self, customer: str) -> list[Alert]:
        """Return a customer's alerts in the order in which they came."""
        return [alert for alert in self.seen.values() if alert.subject == customer]

    def counts(self) -> Counter[str]:
        """Return how many there were of each type."""
        return Counter(alert.type.value for alert in self.seen.values())

    async def wait_for(self, customer: str, alert_type: str, seconds_max: float) -> Alert:
        """Return the customer's first alert of that type; raises `Fatal` when it does not come in time."""
        found: Callable[[], list[Alert]] = lambda: [a for a in self.of(customer) if a.type == alert_type]  # noqa: E731
        try:
            async with asyncio.timeout(seconds_max), self._came:
                await self._came.wait_for(lambda: bool(found()))
        except TimeoutError:
            raise Fatal(f"no {alert_type} for {customer} came within {seconds_max:.0f} s") from None
        return found()[0]

    async def _read(self, reader: AIOKafkaConsumer) -> None:
        while True:
            for records in (await reader.getmany(timeout_ms=POLL_MS)).values():
                async with self._came:
                    for record in records:
                        alert = _decode(record.value)
                        self.seen.setdefault(alert.id, alert)
                    self._came.notify_all()


@asynccontextmanager
async def watch_alerts(kafka: KafkaSettings) -> AsyncIterator[AlertWatch]:
    """Yield a watch that sees every alert from now on."""
    watch = AlertWatch()
    async with open_reader(kafka, Topic.ALERTS) as reader:
        reading = asyncio.create_task(watch._read(reader))  # noqa: SLF001  only this function may start it
        try:
            yield watch
        finally:
            reading.cancel()
