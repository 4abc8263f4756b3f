"""A server that cannot start says why; one whose port is taken moves, once."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from metering.embedded import server as server_module
from metering.embedded.directories import ABANDONED_AFTER_SECONDS, WorkDirectory
from metering.embedded.kafka_jars import find_java, provide_kafka_jars
from metering.embedded.ports import LOOPBACK, find_free_port
from metering.embedded.postgres import PostgresServer
from metering.embedded.server import Server, ServerFailed
from metering.embedded.tansu import TansuBroker
from metering.embedded.valkey import ValkeyServer


@pytest.mark.parametrize("kind", [ValkeyServer, PostgresServer, TansuBroker])
async def test_first_start_on_a_taken_port_moves_to_another(
    kind: type[ValkeyServer | PostgresServer | TansuBroker], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((LOOPBACK, 0)) as squatter:
        taken = squatter.getsockname()[1]
        offered = iter([taken, find_free_port()])
        monkeypatch.setattr(server_module, "find_free_port", lambda: next(offered))
        async with kind() as server:
            assert server.port != taken


@pytest.mark.parametrize("kind", [ValkeyServer, PostgresServer, TansuBroker])
async def test_start_on_a_given_port_that_is_taken_fails_with_the_log(
    kind: type[ValkeyServer | PostgresServer | TansuBroker],
) -> None:
    with socket.create_server((LOOPBACK, 0)) as squatter:
        server: Server = kind(port=squatter.getsockname()[1])
        with pytest.raises(ServerFailed, match=r"(?is)ended with code.*(in use|could not)"):
            await server.start()
        assert not server.is_running
        await server.discard()


async def test_server_with_a_wrong_setting_fails_with_its_own_words() -> None:
    with pytest.raises(ServerFailed, match="FATAL CONFIG FILE ERROR"):
        await ValkeyServer(options={"no-such-setting": "1"}).start()


async def test_running_server_started_again_is_refused(valkey: ValkeyServer) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        await valkey.start()


def test_server_never_started_has_no_port_and_no_pid() -> None:
    server = TansuBroker()
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = server.port
    with pytest.raises(RuntimeError, match="is not running"):
        _ = server.pid


def test_abandoned_directory_is_swept_by_the_next_and_one_in_use_is_not(tmp_path: Path) -> None:
    abandoned, in_use, foreign = (WorkDirectory("old", tmp_path) for _ in range(3))
    long_ago = time.time() - ABANDONED_AFTER_SECONDS - 1
    for directory in (abandoned, in_use, foreign):
        os.utime(directory.path / ".owner", (long_ago, long_ago))
    (foreign.path / ".owner").unlink()
    os.close(abandoned._lock)
    abandoned._lock = -1
    new = WorkDirectory("new", tmp_path)
    assert not abandoned.path.exists()
    assert in_use.path.exists()
    assert foreign.path.exists()
    for directory in (in_use, foreign, new):
        directory.remove()
    assert list(tmp_path.iterdir()) == []


def test_missing_java_is_named_with_the_package_that_brings_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerFailed, match="openjdk-17-jre-headless"):
        find_java()


def test_java_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ServerFailed, match=r"(?s)Java 17 or newer.*11\.0\.2"):
        find_java()


async def test_missing_maven_is_named_and_leaves_no_half_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerFailed, match="there is no `mvn`"):
        await provide_kafka_jars()
    assert list((tmp_path / "cache" / "metering").glob("kafka-*")) == []
