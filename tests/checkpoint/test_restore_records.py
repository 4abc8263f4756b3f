"""What a restore puts into Redis is what was there before the loss, record by record.

Leaves to `everything` and the checks what need not come back as it was, and to `test_restore_random` that the ledger
goes on the same.
"""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from redis.asyncio import Redis

from metering.checkpoint.books import Books
from metering.checkpoint.database import Database
from metering.ledger.folding import wallet_record
from metering.ledger.head import StoredHead
from metering.ledger.identity import fresh_token
from metering.ledger.keys import BucketKeys, oldest_live_slot
from metering.ledger.profiles import make_profile
from metering.ledger.records import profile_or_none
from metering.ledger.state import BucketPosition
from metering.ledger.stored import read_charge, read_settings, unpack_wallet
from metering.ledger.till import Till, Windows
from tests.checkpoint.test_restore_random import (
    LONG,
    MOVES_OF_ONE,
    SIZES,
    WINDOWS,
    examples,
    write_in_flushes,
)
from tests.checkpoint.writing import empty_books
from tests.ledger.history.chunks import apply_all
from tests.ledger.history.moves import PRELUDES, Move
from tests.ledger.test_history_random import run_model
from tests.ledger_model import inputs as model


@pytest.mark.timeout(0 if LONG else 120)
@pytest.mark.requirement("INF-05")
@examples(10)
@given(prelude=PRELUDES, moves=MOVES_OF_ONE, sizes=SIZES)
async def test_restored_bucket_is_record_by_record_what_was_lost(
    fresh_redis: Redis, database: Database, prelude: list[model.Input], moves: list[Move], sizes: list[int]
) -> None:
    history = run_model(prelude, moves)
    backend = await apply_all(fresh_redis, history.inputs, sizes)
    await empty_books(database)
    await write_in_flushes(database, backend.entries, sizes)
    before = await everything(fresh_redis, WINDOWS)

    await fresh_redis.flushall()
    till, token = Till(fresh_redis, 0), fresh_token()
    await till.claim(token)
    async with Books(database, WINDOWS).restore(0) as restoration:
        assert restoration is not None
        head: BucketPosition = restoration.position.head
        assert isinstance(await till.restore(token, head, 0, restoration.blocks, restoration.batches()), int)

    after = await everything(fresh_redis, WINDOWS)
    check_position(*(StoredHead.of_field(found.pop("meta")[b"head"]) for found in (before, after)))
    lost, brought = before.pop("zones"), after.pop("zones")
    # Of a zone that no customer has any more nothing is brought back, and nothing is needed.
    assert brought == {zone: record for zone, record in lost.items() if zone in brought}
    assert {read_settings(record).time_zone.encode() for record in after["customers"].values()} == {*brought}
    assert before.keys() == after.keys()
    for kind, records in before.items():
        assert records == after[kind], kind


def check_position(lost: StoredHead, brought: StoredHead) -> None:
    """The books end with the last entry; an input after it that made none, such as a tick, is read again."""
    assert (lost.head.seq, lost.head.chunk) == (brought.head.seq, brought.head.chunk)
    before, after = ((at.head.position.usage, at.head.position.commands, at.clock_ms) for at in (lost, brought))
    assert all(one <= other for one, other in zip(after, before, strict=True))
    if before == after:
        assert lost.timers_run == brought.timers_run


async def everything(client: Redis, windows: Windows) -> dict[str, dict[bytes, Any]]:
    """Return all that bucket 0 holds and a restore has to bring back, in one form.

    A profile that says nothing may be written out or left out, and a plain charge be a row or a list: they are read.
    Left out is what nothing asks for any more: what a window has left behind, which the next call drops, and charges
    that were denied.
    """
    keys, redis = BucketKeys(0), cast("Any", client)
    meta = await redis.hgetall(keys.meta)
    found: dict[str, dict[bytes, Any]] = {"meta": meta}
    for name in ("customers", "senders", "commands", "states", "zones"):
        found[name] = await redis.hgetall(getattr(keys, name))
    wallets = await redis.hgetall(keys.wallets)
    assert {name: wallet_record(unpack_wallet(record)) for name, record in wallets.items()} == wallets
    found["wallets"] = {name: whole_wallet(record) for name, record in wallets.items()}
    found["charges"] = charges_of(await redis.hgetall(keys.charges))
    for name in ("timers", "names"):
        found[name] = dict(await redis.zrange(getattr(keys, name), 0, -1, withscores=True))
    oldest = oldest_live_slot(StoredHead.of_field(meta[b"head"]).clock_ms, windows.events_ms)
    async for key in redis.scan_iter(match="{b0}:*:*"):
        _, kind, slot = key.decode().split(":")
        if int(slot) >= oldest:
            records = await redis.hgetall(key)
            found[f"{kind} {slot}"] = charges_of(records) if kind == "settled" else records
    return {kind: records for kind, records in found.items() if records or not kind.startswith("settled")}


def whole_wallet(record: bytes) -> list[Any]:
    *wallet, profile = unpack_wallet(record)
    return [*wallet, bool(profile) and profile_or_none(make_profile(profile))]


def charges_of(records: dict[bytes, bytes]) -> dict[bytes, Any]:
    charges = {name: read_charge(name.decode(), record) for name, record in records.items()}
    return {name: state for name, state in charges.items() if state.charge.state != "denied"}
