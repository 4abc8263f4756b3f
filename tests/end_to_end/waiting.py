"""Waits for what comes about by itself. Leaves what that is to the tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SETTLE_SECONDS_MAX = 40.0
POLL_SECONDS = 0.05


async def wait_until(
    is_true: Callable[[], object],
    what: str | Callable[[], str],
    seconds_max: float = SETTLE_SECONDS_MAX,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Ask until the answer is yes. An error counts as no: servers may be on their way up."""
    deadline = time.monotonic() + seconds_max
    problem: Exception | None = None
    while time.monotonic() < deadline:
        try:
            answer = is_true()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            problem = None
        except Exception as error:  # noqa: BLE001  whatever is away may come back
            problem = error
        check()
        await asyncio.sleep(POLL_SECONDS)
    words = what if isinstance(what, str) else what()
    raise AssertionError(f"not within {seconds_max:.0f} s: {words}" + (f" ({problem!r})" if problem else ""))
