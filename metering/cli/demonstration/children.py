"""Worker and checkpointer as child processes of demo and bench. Leaves what they do to them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Self

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from metering.embedded.ports import LOOPBACK, find_free_port
from metering.embedded.process import Command, Process
from metering.errors import Fatal
from metering.settings import Settings

READY_SECONDS_MAX = 60.0
"""Starting Python takes a second, joining a group three, claiming the buckets another; a slow machine takes longer."""
STOP_SECONDS_MAX = 20.0
POLL_SECONDS = 0.1


class Child:
    """`metering NAME` as a process that serves its figures on a free port. As a context manager: it runs inside.

    It is ended in its orderly way after, and dies with this process, however that ends.
    """

    def __init__(self, name: str, settings: Settings, directory: Path) -> None:
        """Prepare. The log goes to `directory`/NAME.log."""
        self.name = name
        self.log_path = directory / f"{name}.log"
        self._settings = settings
        self._directory = directory
        self._port = find_free_port()
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Process id, inside the context."""
        if self._process is None:
            raise RuntimeError(f"the {self.name} has not been started")
        return self._process.pid

    @property
    def url(self) -> str:
        """Where its figures and health are."""
        return f"http://{LOOPBACK}:{self._port}"

    async def __aenter__(self) -> Self:
        environment = {**os.environ, **self._settings.to_environment(), "METERING_METRICS__PORT": str(self._port)}
        command = Command(
            [sys.executable, "-m", "metering.cli", self.name],
            environment,
            self._directory,
            death_signal=signal.SIGTERM,
        )
        self._process = Process(command, self.log_path)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            await self._process.stop(signal.SIGTERM, STOP_SECONDS_MAX)

    def ensure_running(self) -> None:
        """Raise `Fatal` with the end of its log when it has ended."""
        process = self._process
        if process is not None and process.returncode is not None:
            raise Fatal(
                f"the {self.name} ended with code {process.returncode}; its log ends:\n{process.read_log_tail()}"
            )

    async def wait_until_ready(self) -> None:
        """Return when /readyz says so. Raises `Fatal` when it ends, or takes longer than `READY_SECONDS_MAX`."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        said = "nothing"
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                self.ensure_running()
                try:
                    async with session.get(f"{self.url}/readyz") as response:
                        said = await response.text()
                        if response.ok:
                            return
                except aiohttp.ClientError as error:
                    said = str(error)
                await asyncio.sleep(POLL_SECONDS)
        raise Fatal(f"the {self.name} was not ready after {READY_SECONDS_MAX:.0f} s; it said {said}")

    async def read_figures(self) -> Figures:
        """Return its metrics as they are now. Raises `Fatal` when it has ended."""
        self.ensure_running()
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as response:
            return Figures(await response.text())


class Figures:
    """One scrape of a process's metrics."""

    def __init__(self, text: str) -> None:
        """Read Prometheus' text format."""
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def total(self, name: str, **labels: str) -> int:
        """Return the sum of a metric's samples that have these labels."""
        wanted = labels.items()
        return round(sum(s.value for s in self._samples if s.name == name and wanted <= s.labels.items()))

    def buckets(self, name: str) -> dict[float, float]:
        """Return a histogram's cumulative counts by upper bound in seconds."""
        return {float(s.labels["le"]): s.value for s in self._samples if s.name == f"{name}_bucket"}


def quantile_ms(before: dict[float, float], after: dict[float, float], part: float) -> float | None:
    """Return the quantile of what a histogram counted between two scrapes, in milliseconds, straight within a bucket.

    None when it counted nothing. A value beyond the last bound is given as that bound.
    """
    counts = [(bound, after[bound] - before.get(bound, 0)) for bound in sorted(after)]
    wanted = counts[-1][1] * part
    if not wanted:
        return None
    low_bound, low_count = 0.0, 0.0
    for bound, count in counts:
        if count >= wanted:
            if bound == float("inf"):
                return low_bound * 1000
            return (low_bound + (bound - low_bound) * (wanted - low_count) / (count - low_count)) * 1000
        low_bound, low_count = bound, count
    return None
