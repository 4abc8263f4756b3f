"""What somebody would write instead, on the same servers in the same run: a Faust agent, Postgres alone, Redis alone.

Durability is the scenario's on both sides: Redis without a file and Postgres without fsync, or both within a second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from metering.cli.benchmark.accounts import cpu_seconds
from metering.embedded.process import Command, Process
from metering.errors import Fatal

CREDIT_MICROS = 10**9
PRICE_MICROS = 7_500
CONCURRENCY = 8
"""As many at a time as there are buckets in a scenario that says nothing."""
VALID_PER_SECOND = 5_000
"""Below this a baseline of Faust or Postgres was held up by others on the machine, and compares with nothing."""


class Done(Struct, frozen=True):
    """What a child of a baseline says of itself."""

    events: int
    milliseconds: int
    cpu_micros: float
    """Of its own process, an event."""
    is_exact: bool


class Baseline(Struct, frozen=True):
    """One baseline, as it went."""

    name: str
    events: int
    per_second: int
    client_cpu_micros: float
    server_cpu_micros: float
    """Of Redis or Postgres."""
    is_exact: bool

    @property
    def is_valid(self) -> bool:
        """Whether it had the machine to itself."""
        return self.is_exact and (self.name == "redis" or self.per_second >= VALID_PER_SECOND)


async def run_child(name: str, arguments: Sequence[str], server_pid: int, seconds_max: float, log: Path) -> Baseline:
    """Run `baseline_NAME` and return what it came to. Raises `Fatal` when it fails or takes too long."""
    before = cpu_seconds(server_pid)
    program = [sys.executable, "-m", f"metering.cli.benchmark.baseline_{name}", *arguments]
    process = Process(Command(program, {}, log.parent), log)
    started = time.monotonic()
    try:
        ended = await process.wait(seconds_max)
    finally:
        process.kill()
    if not ended or process.returncode != 0:
        raise Fatal(f"the baseline {name} ended after {time.monotonic() - started:.0f} s:\n{process.read_log_tail()}")
    said = (await asyncio.to_thread(log.read_text)).splitlines()
    done = msgspec.json.decode(said[-1], type=Done)
    server = (cpu_seconds(server_pid) - before) * 1e6 / done.events
    per_second = done.events * 1000 // max(1, done.milliseconds)
    return Baseline(name, done.events, per_second, done.cpu_micros, round(server, 2), done.is_exact)
