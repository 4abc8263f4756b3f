"""Gives the real Lua whole histories, cut into chunks. Leaves what they are to the tests."""

from __future__ import annotations

from redis.asyncio import Redis

from tests.ledger.history.till_backend import TillBackend
from tests.ledger.history.world import PLANS
from tests.ledger_model import inputs as model


def chunked(inputs: list[model.Input], sizes: list[int]) -> list[list[model.Input]]:
    """Cut inputs into chunks of those sizes in turn."""
    chunks, first, turn = [], 0, 0
    while first < len(inputs):
        size = sizes[turn % len(sizes)]
        chunks.append(inputs[first : first + size])
        first, turn = first + size, turn + 1
    return chunks


async def apply_all(redis: Redis, inputs: list[model.Input], sizes: list[int]) -> TillBackend:
    """Apply inputs to an empty bucket, in chunks of those sizes in turn."""
    backend = TillBackend(redis, PLANS)
    await backend.open()
    for chunk in chunked(inputs, sizes):
        await backend.apply(*chunk)
    return backend
