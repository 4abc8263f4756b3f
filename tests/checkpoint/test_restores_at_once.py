"""Many buckets restored at the same time: none gives up for waiting, and short reads go on meanwhile."""

from __future__ import annotations

import asyncio

from metering.checkpoint.books import CONNECTIONS_MAX, RESTORES_MAX, Books
from metering.checkpoint.database import Database
from tests.checkpoint.scribe import Scribe
from tests.checkpoint.writing import write

BUCKETS = RESTORES_MAX * 3


async def test_slow_restores_hold_up_neither_each_other_for_good_nor_short_reads(books_dsn: str) -> None:
    database = Database(books_dsn, connections_max=CONNECTIONS_MAX)
    books = Books(database)
    for bucket in range(BUCKETS):
        scribe = Scribe(bucket=bucket)
        scribe.open(f"acme-{bucket}", 10)
        await write(database, bucket, scribe.values())
    slow, restored = asyncio.Event(), []

    async def restore(bucket: int) -> None:
        async with books.restore(bucket) as restoration:
            assert restoration is not None
            await slow.wait()
            restored.append(bucket)

    tasks = [asyncio.create_task(restore(bucket)) for bucket in range(BUCKETS)]
    await asyncio.sleep(0.1)
    positions = await asyncio.wait_for(asyncio.gather(*(books.position(bucket) for bucket in range(BUCKETS))), 60)
    assert [] == restored
    slow.set()
    await asyncio.gather(*tasks)

    assert list(range(BUCKETS)) == sorted(restored)
    assert {2} == {position.head.seq for position in positions if position is not None}
    await database.close()
