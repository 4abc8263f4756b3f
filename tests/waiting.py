"""Waits for what comes about by itself. Leaves what that is to the tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SETTLE_SECONDS_MAX = 80.0
"""An idle machine takes a second or two; two cores that three test processes share have been seen to take thirty."""

POLL_SECONDS = 0.05
STILL_POLLS = 20


async def wait_until(
    is_true: Callable[[], object],
    what: str | Callable[[], str] = "what was waited for",
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


async def samples_until_still(number: Callable[[], int], what: str) -> list[int]:
    """Look at a number until it has stayed the same for a second, and return all that was seen."""
    seen: list[int] = []

    def is_still() -> bool:
        seen.append(number())
        return len(seen) >= STILL_POLLS and len(set(seen[-STILL_POLLS:])) == 1

    await wait_until(is_still, what)
    return seen
