"""What differs in Redis is put right from the ledger, and by adding entries at most. Leaves comparing to others."""

from __future__ import annotations

import msgspec

from metering.contracts.partitioning import partition_of
from metering.ledger.keys import BucketKeys
from metering.ledger.live import BucketReader
from metering.ledger.records import BlocksByWallet
from metering.ledger.restore_part import PartMaker
from tests.end_to_end.command_line import run
from tests.end_to_end.evidence import collect
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals

BY = ("--actor", "ops@example.net", "--reason", "incident 7")


async def add_to_redis(system: System, customer: str, micros: int) -> None:
    """Change a wallet behind everyone's back."""
    bucket = partition_of(customer, PARTITIONS)
    wallet = await BucketReader(system.redis, bucket).wallet(customer, "main")
    assert wallet is not None
    (lot,) = wallet.lots
    more = msgspec.structs.replace(lot, remaining_micros=lot.remaining_micros + micros)
    part = PartMaker([], BlocksByWallet([]), 0).make([msgspec.structs.replace(wallet, lots=(more,))])
    key, record = part.wallets
    await system.redis.hset(BucketKeys(bucket).wallets, key, record)


async def test_difference_is_named_and_repaired_by_restoring_or_by_one_more_entry(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    names = [f"customer-{n}" for n in range(6)]
    await system.send_commands([record for name in names for record in opening(name, 1_000_000)])
    await system.settled()
    assert run(system, "reconcile")["drift"] == 0

    await add_to_redis(system, "customer-1", 300)
    await add_to_redis(system, "customer-2", -500)
    found = run(system, "reconcile", expected=1)
    assert {("figures", "customer-1"), ("figures", "customer-2")} == {
        (d["what"], d["customer"]) for d in found["differing"]
    }
    assert found["drift_micros"] == 800

    done = run(system, "reconcile", "--repair", "ledger", *BY)
    assert (done["adjusted"], done["after"]["drift"]) == (0, 0)
    assert set(done["restored_buckets"]) == {partition_of(f"customer-{n}", PARTITIONS) for n in (1, 2)}

    await add_to_redis(system, "customer-1", 300)
    await add_to_redis(system, "customer-2", -500)
    before = (await collect(system)).entries
    done = run(system, "reconcile", "--repair", "redis", *BY)
    assert (done["adjusted"], done["refused"], done["after"]["drift"]) == (2, [], 0)
    for name in ("customer-1", "customer-2"):
        system.ends["commands"][partition_of(name, PARTITIONS)] += 1

    await system.send([text(name, f"{name}-1", AMERICA) for name in names])
    await system.settled()
    spent = Totals(990_000)
    adjusted = {"customer-1": Totals(990_300), "customer-2": Totals(989_500)}
    evidence = await prove(system, {**dict.fromkeys(names, spent), **adjusted})
    added = []
    for bucket, entries in evidence.entries.items():
        known = before.get(bucket, [])
        assert entries[: len(known)] == known
        added += [
            (e["customer"], e["amount_micros"], e["actor"], e["note"]) for e in entries if e["kind"] == "adjusted"
        ]
    assert [("customer-1", 300, *BY[1::2]), ("customer-2", -500, *BY[1::2])] == sorted(added)
    assert run(system, "ledger", "verify", "--topic")["faults"] == 0


async def test_repair_without_actor_and_reason_is_wrong_usage(system: System) -> None:
    assert run(system, "reconcile", "--repair", "ledger", expected=2) is None
