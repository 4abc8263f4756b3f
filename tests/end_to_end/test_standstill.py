"""A bucket whose state is broken stands still alone, and goes on when told to. Leaves other faults to `faults`."""

from __future__ import annotations

from metering.contracts.partitioning import partition_of
from metering.ledger.keys import BucketKeys
from metering.ledger.standstill import end_standstill, read_standstill
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.metrics import count_logged
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals
from tests.stack.brokers import ON_APACHE


async def test_bucket_with_a_broken_wallet_stands_still_alone_and_goes_on_when_told_to(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    names = [f"customer-{n}" for n in range(12)]
    await system.send_commands([record for name in names for record in opening(name, 1_000_000)])
    await system.settled()
    bucket = partition_of("customer-0", PARTITIONS)
    keys = BucketKeys(bucket)
    await system.redis.hset(keys.wallets, "customer-0\0main", "no wallet at all")

    await system.send([text(name, f"{name}-1", AMERICA) for name in names])

    async def is_standing() -> bool:
        return await read_standstill(system.redis, bucket) is not None

    await system.reached(is_standing, "the bucket stands still")
    others = {p for name in names if (p := partition_of(name, PARTITIONS)) != bucket}
    await system.settled(buckets=others)
    before = await system.status(bucket)
    standing = await read_standstill(system.redis, bucket)
    assert standing is not None
    assert "apply" in standing.why
    assert before.position.usage == 0

    # What an operator does: away with the broken state, so that it is restored from the books, and on with it.
    await system.redis.delete(keys.meta)
    assert await end_standstill(system.redis, bucket)
    await system.settled()
    await prove(system, {name: Totals(990_000) for name in names})


@ON_APACHE
async def test_bucket_that_stood_still_stays_so_through_a_restart_of_its_worker(system: System) -> None:
    system.start_checkpointer()
    worker = system.start_worker()
    await system.send_commands(opening("acme", 1_000_000))
    await system.settled()
    bucket = partition_of("acme", PARTITIONS)
    keys = BucketKeys(bucket)
    sound = await system.redis.hget(keys.wallets, "acme\0main")
    await system.redis.hset(keys.wallets, "acme\0main", "no wallet at all")
    await system.send([text("acme", "t-1", AMERICA)])

    async def is_standing() -> bool:
        return await read_standstill(system.redis, bucket) is not None

    await system.reached(is_standing, "the bucket stands still")
    assert await system.stop(worker) == 0
    assert sound is not None
    await system.redis.hset(keys.wallets, "acme\0main", sound)
    again = system.start_worker()
    await system.reached(lambda: count_logged(again, "bucket_stopped"), "the new worker found it standing")
    assert (await system.status(bucket)).position.usage == 0
    assert await end_standstill(system.redis, bucket)
    await system.settled()
    await prove(system, {"acme": Totals(990_000)})
