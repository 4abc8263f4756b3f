"""A bucket whose log starts at the epoch, as a producer may stamp it. Leaves other clocks to the histories."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from metering.contracts.entries import InputReference, Position
from metering.ledger.carried import Carried
from metering.ledger.codes import KindCode, Op
from metering.ledger.gathering import UNKNOWN, CustomerPolicy
from metering.ledger.head import Head
from metering.ledger.identity import event_digest, fresh_chunk_id, fresh_token
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition
from metering.ledger.till import Applied, Till
from metering.worker.claiming import nothing_stored


def carried(topic: str, offset: int, after: Position) -> Carried:
    where = InputReference(topic, 0, offset)  # type: ignore[arg-type]
    return Carried(position=after, applied_at_ms=0, input=where, customer="acme")


async def test_event_applied_at_clock_zero_is_remembered(fresh_redis: Redis) -> None:
    till, token, chunk_id = Till(fresh_redis, 0), fresh_token(), fresh_chunk_id()
    await till.claim(token)
    await till.restore(token, BucketPosition(0, "", 0, 0, 0, 0), 0, [], nothing_stored())
    builder = ChunkBuilder(Position(0, 0))
    opening: tuple[Any, ...] = ("payg-usd", "USD", "UTC", "", [], 1, 0, "nro", 0)
    builder.command(Op.OPEN_CUSTOMER, 0, carried("commands", 0, Position(0, 1)), UNKNOWN, "open", *opening)
    opened = await till.apply(token, Head(0, "", Position(0, 0)), chunk_id, builder.finish(Position(0, 1)))
    assert isinstance(opened, Applied)

    kinds = []
    head = Head(1, chunk_id, Position(0, 1))
    for offset in range(2):
        builder, end, chunk_id = ChunkBuilder(head.position), Position(offset + 1, 1), fresh_chunk_id()
        digest = event_digest("gateway", "one")
        about = carried("usage", offset, end)
        builder.record(0, about, CustomerPolicy(1), digest, wallet="main", sender=None, price=5)
        applied = await till.apply(token, head, chunk_id, builder.finish(end))
        assert isinstance(applied, Applied)
        kinds += [result.kind for result in decode_results(applied.results)]
        head = Head(head.seq + 1, chunk_id, end)

    assert [KindCode.DEBITED, KindCode.DUPLICATE] == kinds
