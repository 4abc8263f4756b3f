"""What an idle owner's probe must notice. Leaves the other scripts' checks to `script_scenarios`."""

from __future__ import annotations

from metering.ledger.till import Lost, Vitals
from tests.faults.bench import Bench


async def probe_notices_another_history(bench: Bench) -> None:
    """An idle owner asks whether all is as it left it: Redis went back, and a zombie applied the same input anew."""
    owner = await bench.first_owner()
    before, head_before = await bench.snapshot(), owner.head
    await owner.top_up(100)
    left = owner.head
    assert isinstance(await bench.till.probe(owner.token, left), Vitals)
    await bench.go_back(before)
    owner.head = head_before
    await owner.top_up(100)
    assert owner.head.position == left.position
    assert isinstance(await bench.till.probe(owner.token, left), Lost)


async def probe_notices_a_position_gone_back(bench: Bench) -> None:
    """Likewise where only a dead letter was passed over since: no entry shows it."""
    owner = await bench.first_owner()
    before = await bench.snapshot()
    await owner.pass_over()
    assert isinstance(await bench.till.probe(owner.token, owner.head), Vitals)
    await bench.go_back(before)
    assert isinstance(await bench.till.probe(owner.token, owner.head), Lost)


async def probe_notices_a_redis_that_is_empty(bench: Bench) -> None:
    """Likewise where nothing is left."""
    owner = await bench.first_owner()
    await bench.redis.flushall()
    assert isinstance(await bench.till.probe(owner.token, owner.head), Lost)


async def probe_notices_another_owner(bench: Bench) -> None:
    """Likewise where the bucket was claimed by another."""
    owner = await bench.first_owner()
    await bench.claim(owner.head)
    assert isinstance(await bench.till.probe(owner.token, owner.head), Lost)
