"""/metrics, /healthz and /readyz over HTTP. Leaves what is healthy and ready to the process itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

# So that a prober that waits 3 s gets the reason and not just silence.
CHECK_SECONDS_MAX = 2.0

HealthCheck = Callable[[], str | None]
"""Returns None while the process progresses or is idle, else what is stuck. Must not block."""

ReadyChecks = Mapping[str, Callable[[], Awaitable[object]]]
"""By dependency: a call that returns when it answers and raises when it does not."""


class StatusServer:
    """Serves figures and health of a process. `async with` starts and stops it; an open request is finished first."""

    def __init__(
        self, registry: CollectorRegistry, *, host: str, port: int, health: HealthCheck, ready: ReadyChecks
    ) -> None:
        """Prepare. `port` 0 takes a free one, known as `port` once started."""
        self._registry = registry
        self._health = health
        self._ready = ready
        self._host = host
        self.port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises `OSError` when the address is taken."""
        application = web.Application()
        application.router.add_get("/metrics", self._answer_metrics)
        application.router.add_get("/healthz", self._answer_health)
        application.router.add_get("/readyz", self._answer_ready)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self.port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening. Does nothing when it is not started."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _answer_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _answer_health(self, _: web.Request) -> web.Response:
        stuck = self._health()
        return _answer({"progress": stuck or "ok"}, good=stuck is None)

    async def _answer_ready(self, _: web.Request) -> web.Response:
        names = list(self._ready)
        results = await asyncio.gather(*(_run_check(self._ready[name]) for name in names))
        return _answer(
            {name: result or "ok" for name, result in zip(names, results, strict=True)},
            good=not any(results),
        )


async def _run_check(check: Callable[[], Awaitable[object]]) -> str | None:
    """Return None when the dependency answered in time, else what is wrong with it."""
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS_MAX:.0f} s"
    except Exception as error:  # noqa: BLE001  whatever keeps a dependency from answering is the answer here
        return f"{type(error).__name__}: {error}"
    return None


def _answer(checks: dict[str, str], *, good: bool) -> web.Response:
    body = msgspec.json.encode({"status": "ok" if good else "failing", "checks": checks})
    return web.Response(body=body, status=200 if good else 503, content_type="application/json")
