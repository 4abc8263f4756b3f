"""The two buckets that every cell test runs on: the model, and the real Lua. Leaves histories to the tests beside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from tests.ledger.history.plain import plain_entry
from tests.ledger.history.story import PLANS, Entry, Story
from tests.ledger.history.till_backend import TillBackend
from tests.ledger_model import inputs as model
from tests.ledger_model.bucket import Bucket
from tests.ledger_model.invariants import Books


@pytest.fixture(params=["model", "lua"])
def story(request: pytest.FixtureRequest) -> Story:
    """A story that is told to one of the two."""
    return model_story() if request.param == "model" else lua_story(request.getfixturevalue("fresh_redis"))


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


def lua_story(redis: Redis) -> Story:
    """A story told to the real Lua; the bucket is claimed with the first input."""
    backend = TillBackend(redis, PLANS)

    async def apply(inputs: Sequence[model.Input]) -> list[Entry]:
        if not backend.is_open:
            await backend.open()
        return [plain_entry(entry) for entry in await backend.apply(*inputs)]

    return Story(apply)
