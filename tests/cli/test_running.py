"""A command at Ctrl-C: it ends, even where a client loses the request. Leaves the commands to their tests."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable

import pytest
import uvloop

from metering.cli import running


def interrupt_soon() -> None:
    asyncio.get_running_loop().call_later(0.01, signal.raise_signal, signal.SIGINT)


async def lose_one_request(note: Callable[[str], None]) -> None:
    interrupt_soon()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        note("lost")
    await asyncio.sleep(60)


def test_what_work_returns_is_returned() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert running.run_async(work()) == 7


@pytest.mark.parametrize("loop_factory", [None, uvloop.new_event_loop])
def test_work_that_loses_an_interruption_is_cancelled_again(
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(running, "POLL_SECONDS", 0.05)
    noted: list[str] = []

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        running.run_async(lose_one_request(noted.append), loop_factory)

    assert noted == ["lost"]
    assert 0.2 <= time.monotonic() - started < 30


def test_a_task_of_the_work_that_loses_an_interruption_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(running, "POLL_SECONDS", 0.05)
    noted: list[str] = []

    async def work() -> None:
        await asyncio.gather(lose_one_request(noted.append), asyncio.sleep(60))

    with pytest.raises(KeyboardInterrupt):
        running.run_async(work())

    assert noted == ["lost"]


def test_work_that_ends_in_order_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "POLL_SECONDS", 0.01)
    noted: list[str] = []

    async def work() -> None:
        interrupt_soon()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)  # many polls, less than AGAIN_SECONDS
            noted.append("in order")

    with pytest.raises(KeyboardInterrupt):
        running.run_async(work())

    assert noted == ["in order"]


def test_timeout_in_the_work_is_no_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(running, "POLL_SECONDS", 0.01)

    async def work() -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        await asyncio.sleep(0.3)
        return "went on"

    assert running.run_async(work()) == "went on"
