"""A stack leaves nothing running, however the process that started it ends, and is reachable from this machine only."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from metering.embedded.stack import Stack

PROGRAM = Path(__file__).with_name("running_stack.py")
ROOT = PROGRAM.parent.parent.parent
SECONDS_MAX = 60.0
"""For servers to end: on an idle machine they take one."""


@dataclass
class RunningStack:
    process: subprocess.Popen[str]
    servers: dict[str, dict[str, str]]
    settings: dict[str, str]

    def find_processes(self) -> list[psutil.Process]:
        """All servers and all that they started, taken while they run."""
        tops = [psutil.Process(int(server["pid"])) for server in self.servers.values()]
        return [process for top in tops for process in [top, *top.children(recursive=True)]]


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[Callable[[], RunningStack]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> RunningStack:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(tmp_path / f"stack-{len(started)}")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )
        started.append(process)
        assert process.stdout is not None
        described = json.loads(process.stdout.readline())
        return RunningStack(process, described["servers"], described["settings"])

    yield start
    for process in started:
        with process:  # closes its pipes
            process.kill()


def wait_until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run after some seconds."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        processes = [process for process in processes if is_alive(process)]
        if not processes:
            break
        time.sleep(0.02)
    return processes


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_stack_whose_process_is_killed_leaves_no_server(start_stack: Callable[[], RunningStack]) -> None:
    stack = start_stack()
    processes = stack.find_processes()
    assert len(processes) > 3
    stack.process.kill()
    assert wait_until_gone(processes) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stack_told_to_stop_leaves_no_server_and_no_data(
    start_stack: Callable[[], RunningStack], number: signal.Signals
) -> None:
    stack = start_stack()
    processes = stack.find_processes()
    assert all(Path(server["work"]).is_dir() for server in stack.servers.values())
    stack.process.send_signal(number)
    assert stack.process.wait(timeout=SECONDS_MAX) == 0
    assert wait_until_gone(processes) == []
    assert [server["work"] for server in stack.servers.values() if Path(server["work"]).exists()] == []


@pytest.mark.parametrize("name", ["valkey", "postgres", "tansu"])
def test_stack_one_of_whose_servers_dies_ends_with_its_name(start_stack: Callable[[], RunningStack], name: str) -> None:
    stack = start_stack()
    processes = stack.find_processes()
    psutil.Process(int(stack.servers[name]["pid"])).kill()
    _, complaint = stack.process.communicate(timeout=SECONDS_MAX)
    assert stack.process.returncode == 1
    assert f"{name} ended with code -9" in complaint
    assert wait_until_gone(processes) == []


def test_two_stacks_run_side_by_side_on_ports_of_their_own(start_stack: Callable[[], RunningStack]) -> None:
    first, second = start_stack(), start_stack()
    assert not set(first.settings.values()) & set(second.settings.values())
    first.process.send_signal(signal.SIGINT)
    first.process.wait(timeout=SECONDS_MAX)

    async def use_second() -> None:
        async with Redis.from_url(second.settings["METERING_REDIS__URL"]) as redis:
            assert await redis.ping()
        connection = await asyncpg.connect(second.settings["METERING_POSTGRES__DSN"])
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()

    asyncio.run(use_second())


def test_servers_listen_on_loopback_only(start_stack: Callable[[], RunningStack]) -> None:
    stack = start_stack()
    for process in stack.find_processes():
        listening = [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {connection.laddr.ip for connection in listening} <= {"127.0.0.1"}


async def test_stack_directory_holds_logs_and_while_it_is_up_the_settings(tmp_path: Path) -> None:
    directory = tmp_path / "logs"
    async with Stack(directory=directory) as stack:
        settings_path = directory / "stack.env"
        lines = settings_path.read_text().splitlines()
        assert lines == [f"{name}={value}" for name, value in stack.settings().items()]
        assert stat.S_IMODE(settings_path.stat().st_mode) == 0o600
        stack.write_environment_file({"METERING_KAFKA__PARTITIONS": "3"})
        assert settings_path.read_text() == "METERING_KAFKA__PARTITIONS=3\n"
    assert sorted(path.name for path in directory.iterdir()) == ["postgres.log", "tansu.log", "valkey.log"]


async def test_stack_cancelled_while_it_starts_leaves_no_server(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    stack = Stack(directory=tmp_path)
    task = asyncio.create_task(stack.start())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(psutil.Process().children(recursive=True)) <= before


async def test_stopped_stack_starts_again_with_the_same_addresses_and_books() -> None:
    async with Stack(valkey_appendonly=True) as stack:
        endpoints = stack.endpoints
        async with Redis.from_url(stack.redis_url) as redis:
            await redis.set("key", "kept")
        await stack.stop()
        await stack.start()
        assert stack.endpoints == endpoints
        async with Redis.from_url(stack.redis_url) as redis:
            assert await redis.get("key") == b"kept"
