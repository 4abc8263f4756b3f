"""The regression guard: CPU of an event as turns of an empty loop run beside it, held against a stored reference.

    python -m tests.benchmarks.guard             # measure and compare
    python -m tests.benchmarks.guard --renew     # measure and store: after a change that is meant to cost

Turns, because the same machine is worth twice as much in one hour as in another. Of the ledger each stretch of work is
divided by the loop that ran right after it, and the middle of many is taken; of the worker the best of each step by the
best of the loops between: the best of quotients would be that of whichever loop others held up.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from redis.asyncio import Redis

from metering import native
from metering.cli.benchmark.calibration import lua_loop_seconds, python_turn_nanoseconds
from metering.embedded.valkey import ValkeyServer
from metering.observe.metrics import WorkerMetrics
from tests.benchmarks import ledger, worker
from tests.benchmarks.recorded import RecordedPath, make_events

REFERENCE = Path(__file__).with_name("reference.json")
LIMIT = 1.3
"""Ten measurements on a busy machine lay within 15 % of each other; a slowdown by half stands out of that."""
LEDGER_MIXES = ("debit", "submitted, sent, delivered")
WORKER, COMPILED = "worker", "compiled worker"
WORKER_MIXES = ("debited at once", "submitted, sent, delivered")
LEDGER_CUSTOMERS = 1_000
CHUNKS = 16
WORKER_EVENTS = 2_000
ROUNDS = 5
LUA_TURNS = 50_000
PYTHON_TURNS = 20_000

Figures = Mapping[str, float]
"""Turns of the loop for an event, by name."""


def regressions(measured: Figures, reference: Figures) -> list[str]:
    """Return a line for each figure that is beyond the limit."""
    return [
        f"{name}: {measured[name]:.0f} turns an event, the reference is {turns:.0f} (limit {LIMIT} times that)"
        for name, turns in reference.items()
        if measured[name] > turns * LIMIT
    ]


def stored_reference() -> Figures:
    """Return what was stored, of compiled steps only where they were built."""
    figures: dict[str, float] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return {name: turns for name, turns in figures.items() if not native.REASON or not name.startswith(COMPILED)}


async def measure(redis: Redis) -> Figures:
    """Return the figures of now; takes about ten seconds of CPU. Empties Redis."""
    return {**await measure_ledger(redis), **await measure_worker(redis)}


async def measure_ledger(redis: Redis) -> Figures:
    """Return what the ledger's Lua costs Redis."""
    figures = {}
    for mix in LEDGER_MIXES:
        bench, turns = ledger.Bench(redis, LEDGER_CUSTOMERS), []
        await bench.open()
        for builder in ledger.chunks(ledger.MIXES[mix].add, CHUNKS * ledger.CHUNK, bench):
            before = await ledger.cpu_seconds(redis)
            await bench.apply(builder, usage=len(builder))
            spent = await ledger.cpu_seconds(redis) - before
            turns.append(spent / len(builder) / (await lua_loop_seconds(redis, LUA_TURNS) / LUA_TURNS))
        figures[f"ledger: {mix}"] = statistics.median(turns)
    return figures


async def measure_worker(redis: Redis) -> Figures:
    """Return what the worker's steps cost in Python, and in compiled code where that was built."""
    figures = {}
    for prefix in (WORKER,) if native.REASON else (WORKER, COMPILED):
        for mix in WORKER_MIXES:
            await redis.flushall()
            with native.forced(is_on=prefix == COMPILED):
                figures[f"{prefix}: {mix}"] = await _measure_steps(redis, mix)
    return figures


async def _measure_steps(redis: Redis, mix: str) -> float:
    path = RecordedPath(redis)
    await path.run(make_events(mix, WORKER_EVENTS))
    steps = worker.Steps(path, WorkerMetrics()).all()
    best, turn = dict.fromkeys(steps, float("inf")), float("inf")
    for _ in range(ROUNDS):
        for name, step in steps.items():
            gc.collect()
            started = time.thread_time()
            step()
            best[name] = min(best[name], time.thread_time() - started)
            turn = min(turn, python_turn_nanoseconds(PYTHON_TURNS))
    return sum(best.values()) / WORKER_EVENTS * 1e9 / turn


async def main(*, renew: bool) -> int:
    """Measure on a Valkey of its own; return 1 where something is beyond the limit."""
    with tempfile.TemporaryDirectory() as directory:
        async with ValkeyServer(Path(directory)) as server, Redis.from_url(server.url) as redis:
            figures = await measure(redis)
    for name, turns in figures.items():
        sys.stdout.write(f"{name:42} {turns:6.0f} turns an event\n")
    if renew:
        stored = json.loads(REFERENCE.read_text(encoding="utf-8"))
        stored |= {name: round(turns) for name, turns in figures.items()}
        REFERENCE.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
        return 0
    found = regressions(figures, stored_reference())
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renew", action="store_true")
    sys.exit(asyncio.run(main(renew=parser.parse_args().renew)))
