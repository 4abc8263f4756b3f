"""Emptying a bucket that its owner takes back at the same moment. Leaves the whole repair to `end_to_end`."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from metering.cli.repairing import _restore
from metering.ledger.identity import fresh_token
from metering.ledger.live import BucketReader
from metering.ledger.state import BucketPosition
from metering.ledger.till import Till
from metering.worker.claiming import nothing_stored

EMPTY = BucketPosition(0, "", 0, 0, 0, 0)


async def test_bucket_that_its_owner_takes_back_in_between_is_emptied_all_the_same(
    fresh_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, token, begun = Till(fresh_redis, 0), fresh_token(), Till._restore_begin
    await owner.claim(token)
    assert await owner.restore(token, EMPTY, 0, [], nothing_stored()) == 0
    tries: list[bool] = []

    async def take_back_once(till: Till, its_token: str, slots: list[int]) -> bool:
        if not tries:
            await owner.claim(token)
        tries.append(await begun(till, its_token, slots))
        return tries[-1]

    monkeypatch.setattr(Till, "_restore_begin", take_back_once)
    emptying = asyncio.create_task(_restore(fresh_redis, 0))
    while (await BucketReader(fresh_redis, 0).status()).loaded:
        assert not emptying.done()
        await asyncio.sleep(0.01)
    await owner.claim(token)
    await owner.restore(token, EMPTY, 0, [], nothing_stored())
    await asyncio.wait_for(emptying, 30)

    assert tries == [False, True, True]
