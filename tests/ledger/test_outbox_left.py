"""What an owner leaves in the outbox that ends between publication and `trim`. Leaves other claims to `faults`."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from metering.ledger.till import Agreed
from tests.faults.bench import Bench, end_of


@pytest.mark.requirement("INF-01")
@pytest.mark.parametrize(("published", "left"), [(1, [3, 4]), (2, [4]), (3, [])])
async def test_claim_drops_what_the_ledger_holds_and_keeps_the_rest(
    fresh_redis: Redis, published: int, left: list[int]
) -> None:
    """Else it stayed there until the bucket had other inputs, and looked like something to publish."""
    bench = Bench(fresh_redis)
    owner = await bench.first_owner()
    ends = []
    for amount in (1_000, 2_000, 4_000):
        await owner.top_up(amount)
        ends.append(end_of(owner.head))
    later = await bench.claim(owner.head)
    agreed = await bench.till.compare(later.token, ends[published - 1])
    assert isinstance(agreed, Agreed)
    assert [record.last_seq for record in agreed.outbox] == left
    assert await bench.outbox_seqs() == left
    if left:
        assert await bench.till.trim(later.token, ends[-1])
    assert await bench.outbox_seqs() == []
    assert await bench.balance() == 7_000
