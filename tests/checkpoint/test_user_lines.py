"""Users' totals in the books: lines with their subtotal, and what a restore needs of users."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from metering.checkpoint.books import Books
from metering.checkpoint.database import Database
from metering.checkpoint.statement import user_lines
from metering.ledger.state import BlockState, RecordState, RememberedCommand
from metering.ledger.till import Windows
from tests.checkpoint.scribe import encode
from tests.checkpoint.typed import read_records
from tests.checkpoint.writing import Sql, write
from tests.ledger.history.story import DAY, PLANS, START
from tests.ledger.history.till_backend import TillBackend
from tests.ledger_model import inputs as model
from tests.ledger_model.user_inputs import CloseUser, PutUser, SetAllotment


async def story(redis: Redis) -> TillBackend:
    """Tell the real ledger of a user who is given 300, loses 111, spends all, and is refused more."""
    backend = TillBackend(redis, PLANS)
    await backend.open()
    head: dict[str, Any] = {"at": START, "customer": "anna"}
    spent = model.Submission(
        **head, id="m", charge="m", user="alice", sender="s", price=189, charge_on="submit", deadline=START + DAY
    )
    denied = model.Submission(
        **head, id="n", charge="n", user="alice", sender="s", price=1, charge_on="submit", deadline=START + DAY
    )
    await backend.apply(
        model.OpenCustomer(**head, id="open", plan="users, company"),
        model.TopUp(**head, id="credit", amount=1_000),
        PutUser(**head, id="put", user="alice", total=300),
        SetAllotment(**head, id="less", user="alice", add=-111),
        SetAllotment(**head, id="much", user="alice", add=5_000),
        spent,
        denied,
    )
    return backend


@pytest.mark.requirement("PL-54")
async def test_lines_of_a_total_carry_the_running_subtotal(fresh_redis: Redis, database: Database) -> None:
    backend = await story(fresh_redis)
    await backend.apply(CloseUser(at=START + DAY, id="close", customer="anna", user="alice"))
    await write(database, 0, list(enumerate(encode(entry) for entry in backend.entries)))

    lines = [line async for line in user_lines(database, "anna", "alice")]
    later = [line.kind async for line in user_lines(database, "anna", "alice", from_ms=START + DAY)]

    assert [(line.kind, line.change_micros, line.subtotal_micros, line.total_micros) for line in lines] == [
        ("assigned", 300, 300, 300),
        ("assigned", -111, 189, 189),
        ("user_deleted_return", 0, 189, None),
    ]
    assert later == ["user_deleted_return"]
    assert [line async for line in user_lines(database, "anna", "bob")] == []


@pytest.mark.requirement("INF-05")
async def test_restore_brings_back_users_and_answers_and_leaves_their_blocks_to_the_allotment(
    fresh_redis: Redis, database: Database, sql: Sql
) -> None:
    backend = await story(fresh_redis)
    await write(database, 0, list(enumerate(encode(entry) for entry in backend.entries)))

    async with Books(database, Windows()).restore(0) as restoration:
        assert restoration is not None
        records = await read_records(restoration)

    kinds = {type(record.state).__name__ for record in records if isinstance(record, RecordState)}
    assert {"UserState", "AllotmentsState", "LimitState"} <= kinds
    assert not [record for record in records if isinstance(record, BlockState)]
    assert await sql.fetchval("SELECT count(*) FROM blocks WHERE level = 'user' AND id = 'alice'") == 1
    (refused,) = [record for record in records if isinstance(record, RememberedCommand) and record.id == "much"]
    assert refused.allotment is not None
    assert refused.allotment.assignable is not None
    assert refused.allotment.assignable.max_total_micros == 1_100
