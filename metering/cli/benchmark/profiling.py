"""Profiles of a run: where worker, Redis and Postgres spend their time. Leaves the run to `measuring`.

Watching costs: figures of a run with profiles are not compared with others.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from redis.asyncio import Redis

from metering.embedded.process import Command, Process
from metering.embedded.server import build_environment
from metering.errors import Fatal

POSTGRES_SETTINGS = {"shared_preload_libraries": "pg_stat_statements"}
SLOWER_THAN_MICROS = 1_000
SLOW_MAX = 256
STATEMENTS_MAX = 40
WRITE_SECONDS_MAX = 60.0
START_TRIES = 300
START_SECONDS = 0.1

_STATEMENTS = """
SELECT query, calls, total_exec_time AS total_ms, rows, wal_bytes::bigint AS wal_bytes
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC LIMIT $1
"""


def find_py_spy() -> str:
    """Return the program py-spy. Raises `Fatal` that says how to get it."""
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if not found:
        raise Fatal(
            "profiles need py-spy: `pip install py-spy` beside metering (`make setup` brings it in the sources)"
        )
    return found


@asynccontextmanager
async def profiled(directory: Path, worker_pid: int, redis: Redis, dsn: str) -> AsyncIterator[None]:
    """Watch while the body runs, then write into `directory`: worker.svg, redis.json, postgres.json.

    Raises `Fatal` where the worker may not be looked into; interrupted, what is not written is lost.
    """
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    await redis.config_set("slowlog-log-slower-than", SLOWER_THAN_MICROS)
    await redis.config_set("slowlog-max-len", SLOW_MAX)
    await redis.slowlog_reset()
    await redis.config_resetstat()
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await connection.execute("SELECT pg_stat_statements_reset()")
        async with _flame_graph(directory / "worker.svg", worker_pid):
            yield
        _write(directory / "redis.json", await _read_redis(redis))
        rows = await connection.fetch(_STATEMENTS, STATEMENTS_MAX)
        _write(directory / "postgres.json", [dict(row) for row in rows])
    finally:
        await connection.close()


@asynccontextmanager
async def _flame_graph(path: Path, pid: int) -> AsyncIterator[None]:
    arguments = [find_py_spy(), "record", "--pid", str(pid), "--output", str(path), "--rate", "200", "--nonblocking"]
    spy = Process(Command(arguments, build_environment(), path.parent), path.with_suffix(".log"))
    try:
        await _wait_until_watching(spy)
        yield
        await spy.stop(signal.SIGINT, WRITE_SECONDS_MAX)  # then it draws
    finally:
        spy.kill()
    if not await asyncio.to_thread(path.exists):
        raise Fatal(f"py-spy drew nothing; more --events give it something to see. It said:\n{spy.read_log_tail()}")


async def _wait_until_watching(spy: Process) -> None:
    for _ in range(START_TRIES):
        if "Sampling process" in spy.read_log_tail():
            return
        if spy.returncode is not None:
            break
        await asyncio.sleep(START_SECONDS)
    said = spy.read_log_tail()
    raise Fatal(f"py-spy cannot look into the worker; it needs root or CAP_SYS_PTRACE. It said:\n{said}")


async def _read_redis(redis: Redis) -> dict[str, Any]:
    commands = await redis.info("commandstats")
    slow = await redis.slowlog_get(SLOW_MAX)
    shown = [{"micros": each["duration"], "command": each["command"][:80].decode(errors="replace")} for each in slow]
    by_time = sorted(commands.items(), key=lambda item: -item[1]["usec"])
    return {"commands": {name.removeprefix("cmdstat_"): figures for name, figures in by_time}, "slow": shown}


def _write(path: Path, document: Any) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
