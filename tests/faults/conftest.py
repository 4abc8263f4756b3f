"""A system under traffic, as a fixture. Leaves what goes wrong to the tests."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.end_to_end.system import System
from tests.faults.run import Run
from tests.stack.fresh import FreshStack


@pytest.fixture
def seed() -> int:
    """What traffic and moments of a run are made of; METERING_TEST_SEED repeats a run."""
    given = int(os.environ.get("METERING_TEST_SEED") or random.SystemRandom().randrange(2**32))
    sys.stdout.write(f"METERING_TEST_SEED={given}\n")
    return given


@pytest_asyncio.fixture
async def run(stack: FreshStack, tmp_path: Path, seed: int) -> AsyncIterator[Run]:
    """A system on each broker in turn, with its customers open and its traffic ready."""
    async with System.on(stack, tmp_path) as system:
        yield Run(system, seed)
