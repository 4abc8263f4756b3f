"""/metrics, /healthz and /readyz as a prober sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from metering.observe import http_server
from metering.observe.http_server import HealthCheck, StatusServer
from metering.observe.metrics import WorkerMetrics

HOST = "127.0.0.1"


async def answers() -> None:
    pass


async def refuses() -> None:
    raise ConnectionRefusedError("nobody there")


async def hangs() -> None:
    await asyncio.sleep(60)


def make_server(
    health: HealthCheck = lambda: None, port: int = 0, **ready: Callable[[], Awaitable[object]]
) -> StatusServer:
    return StatusServer(WorkerMetrics().registry, host=HOST, port=port, health=health, ready=ready)


async def fetch(server: StatusServer, path: str) -> tuple[int, str, str]:
    url = f"http://{HOST}:{server.port}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, response.content_type, await response.text()


async def test_metrics_are_served_as_prometheus_text() -> None:
    async with make_server() as server:
        status, content_type, text = await fetch(server, "/metrics")
    assert (status, content_type) == (200, "text/plain")
    assert "metering_ticks_total 0.0" in text


async def test_progressing_process_is_healthy() -> None:
    async with make_server() as server:
        assert await fetch(server, "/healthz") == (
            200,
            "application/json",
            '{"status":"ok","checks":{"progress":"ok"}}',
        )


async def test_stuck_process_is_unhealthy_and_says_why() -> None:
    async with make_server(lambda: "bucket 3 has not moved for 60 s") as server:
        status, _, text = await fetch(server, "/healthz")
    assert status == 503
    assert text == '{"status":"failing","checks":{"progress":"bucket 3 has not moved for 60 s"}}'


async def test_all_dependencies_answering_is_ready() -> None:
    async with make_server(redis=answers, kafka=answers) as server:
        status, _, text = await fetch(server, "/readyz")
    assert (status, text) == (200, '{"status":"ok","checks":{"redis":"ok","kafka":"ok"}}')


async def test_one_dependency_away_is_not_ready_and_is_named() -> None:
    async with make_server(redis=answers, kafka=refuses) as server:
        status, _, text = await fetch(server, "/readyz")
    assert status == 503
    assert '"kafka":"ConnectionRefusedError: nobody there"' in text
    assert '"redis":"ok"' in text


async def test_hanging_dependency_is_not_ready_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "CHECK_SECONDS_MAX", 0.05)
    async with make_server(redis=hangs) as server:
        status, _, text = await fetch(server, "/readyz")
    assert status == 503
    assert "no answer within" in text


async def test_taken_port_raises_and_leaves_nothing() -> None:
    async with make_server() as server:
        with pytest.raises(OSError, match="address already in use"):
            await make_server(port=server.port).start()


async def test_stopped_server_frees_its_port_and_stops_twice() -> None:
    server = make_server()
    await server.start()
    await server.stop()
    await server.stop()
    async with make_server(port=server.port):
        pass
