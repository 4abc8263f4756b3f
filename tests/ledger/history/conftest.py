"""The two buckets that every cell test runs on: the model, and the real Lua. Leaves histories to the tests beside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from tests.ledger.history.plain import plain_entry
from tests.ledger.history.story import PLANS, Entry, Story
from tests.ledger.history.till_backend import TillBackend
from tests.ledger_model import inputs as model
from tests.ledger_model.bucket import Bucket
from tests.ledger_model.invariants import Books


@pytest_asyncio.fixture(params=["model", "lua"])
async def story(request: pytest.FixtureRequest, fresh_redis: Redis) -> Story:
    """A story that is told to one of the two."""
    return model_story() if request.param == "model" else await lua_story(fresh_redis)


def model_story() -> Story:
    """A story told to the model, its invariants checked after every entry."""
    bucket, books = Bucket(PLANS), Books()

    async def apply(inputs: Sequence[model.Input]) -> list[Entry]:
        made = []
        for given in inputs:
            for entry in bucket.steps(given):
                books.take(entry)
                books.check(bucket)
                made.append({name: value for name, value in entry.items() if name != "input"})
        return made

    return Story(apply)


async def lua_story(redis: Redis) -> Story:
    """A story told to the real Lua."""
    backend = TillBackend(redis, PLANS)
    await backend.open()

    async def apply(inputs: Sequence[model.Input]) -> list[Entry]:
        return [plain_entry(entry) for entry in await backend.apply(*inputs)]

    return Story(apply)
