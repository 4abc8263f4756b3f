"""A worker in the process of the test, to be watched and interfered with. Leaves servers to `tests.stack`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from metering.worker.service import WorkerService
from tests.end_to_end.system import System
from tests.stack.fresh import FreshStack


@pytest_asyncio.fixture
async def system(stack: FreshStack, tmp_path: Path) -> AsyncIterator[System]:
    """Topics and schema on each broker in turn, and no worker yet."""
    async with System.on(stack, tmp_path) as one:
        yield one


@pytest_asyncio.fixture
async def worker(system: System) -> AsyncIterator[WorkerService]:
    """A worker that the test starts; stopped after it in order."""
    service = WorkerService(system.settings)
    yield service
    await service.stop()
