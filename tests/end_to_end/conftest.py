"""The system as a fixture. Leaves the servers below it to `tests.stack`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.end_to_end.system import System
from tests.stack.fresh import FreshStack


@pytest_asyncio.fixture
async def system(stack: FreshStack, tmp_path: Path) -> AsyncIterator[System]:
    """Topics and schema on each broker in turn; the test starts workers and checkpointers."""
    async with System.on(stack, tmp_path) as one:
        yield one
