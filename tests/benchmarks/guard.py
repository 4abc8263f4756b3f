"""The regression guard: CPU of an event by that of plain work run beside it, held against a stored reference.

    python -m tests.benchmarks.guard             # measure and compare
    python -m tests.benchmarks.guard --renew     # measure and store: after a change that is meant to cost

By that, because the same machine is worth twice as much in one hour as in another, and by work of the same kind,
because an empty loop does not feel who else uses the caches (`plain_work`). Each stretch is divided by plain work right
before and after it, and the middle of many quotients is taken: the best of each by the best of the other moved by half
as others came and went.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from metering import native
from metering.embedded.valkey import ValkeyServer
from tests.benchmarks import ledger, worker
from tests.benchmarks.plain_work import lua_record_seconds, plain_record_nanoseconds

REFERENCE = Path(__file__).with_name("reference.json")
LIMIT = 1.45
"""Of the least that a quiet machine has shown, which is what is stored: a slowdown by half is just beyond it."""
ATTEMPTS = 8
"""Others that use the caches come and go: beside them one figure has come to 1.43, and to 1.33 three times in a row."""
LEDGER_MIXES = ("debit", "submitted, sent, delivered")
WORKER, COMPILED = "worker", "compiled worker"
WORKER_MIXES = ("debited at once", "submitted, sent, delivered")
LEDGER_CUSTOMERS = 1_000
CHUNKS = 24
WORKER_EVENTS = 2_000
ROUNDS = 9

Figures = Mapping[str, float]
"""By name: what an event costs in hundredths of a record of plain work."""

Ways = Mapping[str, Callable[[], Awaitable[float]]]
"""By name: what measures a figure, in some 4 seconds of CPU. Empties Redis."""


def regressions(measured: Figures, reference: Figures) -> list[str]:
    """Return a line for each figure that is beyond the limit."""
    return [
        f"{name}: an event comes to {figure:.0f}, the reference is {reference[name]:.0f} (limit {LIMIT} times that)"
        for name, figure in measured.items()
        if figure > reference[name] * LIMIT
    ]


def stored_reference() -> Figures:
    """Return what was stored, by name."""
    figures: dict[str, float] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return figures


def ways(redis: Redis) -> Ways:
    """Return what measures the ledger's Lua, and the worker's steps in Python and, where they were built, compiled."""
    ledgers = {f"ledger: {mix}": partial(measure_ledger, redis, mix) for mix in LEDGER_MIXES}
    kinds = (WORKER,) if native.REASON else (WORKER, COMPILED)
    steps = {f"{kind}: {mix}": partial(measure_steps, redis, kind, mix) for kind in kinds for mix in WORKER_MIXES}
    return ledgers | steps


async def measure(ways: Ways, reference: Figures, attempts: int = ATTEMPTS) -> Figures:
    """Return the least of each figure: those beyond the limit are measured again, after all others."""
    figures = dict.fromkeys(ways, math.inf)
    for _ in range(attempts):
        for name in [name for name in ways if figures[name] > reference[name] * LIMIT]:
            figures[name] = min(figures[name], await ways[name]())
    return figures


async def measure_ledger(redis: Redis, mix: str) -> float:
    """Return what the ledger's Lua costs Redis."""
    bench, quotients = ledger.Bench(redis, LEDGER_CUSTOMERS), []
    await bench.open()
    for builder in ledger.chunks(ledger.MIXES[mix].add, CHUNKS * ledger.CHUNK, bench):
        before = await lua_record_seconds(redis)
        started = await ledger.cpu_seconds(redis)
        await bench.apply(builder, usage=len(builder))
        spent = (await ledger.cpu_seconds(redis) - started) / len(builder)
        quotients.append(2 * spent / (before + await lua_record_seconds(redis)))
    return 100 * statistics.median(quotients)


async def measure_steps(redis: Redis, kind: str, mix: str) -> float:
    """Return what the worker's steps cost in Python or in compiled code."""
    with native.forced(is_on=kind == COMPILED):
        return await _measure_steps(redis, mix)


async def _measure_steps(redis: Redis, mix: str) -> float:
    steps = await worker.make_steps(redis, mix, WORKER_EVENTS)
    quotients: dict[str, list[float]] = {name: [] for name in steps}
    # What is there before is set aside, as a worker's start does: collecting costs more than the steps else.
    gc.collect()
    gc.freeze()
    for _ in range(ROUNDS):
        for name, step in steps.items():
            gc.collect()
            before = plain_record_nanoseconds()
            started = time.thread_time_ns()
            step()
            spent = (time.thread_time_ns() - started) / WORKER_EVENTS
            quotients[name].append(2 * spent / (before + plain_record_nanoseconds()))
    gc.unfreeze()
    return 100 * sum(map(statistics.median, quotients.values()))


async def main(*, renew: bool) -> int:
    """Measure on a Valkey of its own; return 1 where something is beyond the limit."""
    reference = stored_reference()
    with tempfile.TemporaryDirectory() as directory:
        async with ValkeyServer(Path(directory)) as server, Redis.from_url(server.url) as redis:
            # Nothing is within a limit of nothing: each is measured as often as may be, and the least is stored.
            figures = await measure(ways(redis), dict.fromkeys(reference, 0.0) if renew else reference)
    for name, figure in figures.items():
        sys.stdout.write(f"{name:42} {figure:6.0f}\n")
    if renew:
        stored = {name: round(figures.get(name, known)) for name, known in reference.items()}
        REFERENCE.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
        return 0
    found = regressions(figures, reference)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renew", action="store_true")
    sys.exit(asyncio.run(main(renew=parser.parse_args().renew)))
