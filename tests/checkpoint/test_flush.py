"""One flush: what stands in the tables after it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import BooksRefuse, Database
from metering.contracts.entries import Balance, BlockChange, Charge, RuleState
from metering.contracts.reasons import BlockLevel, Kind, Reason
from metering.errors import BrokenInvariant
from metering.ledger.identity import event_digest
from tests.checkpoint.scribe import NOON, Scribe, encode
from tests.checkpoint.writing import Sql, flush_all, write

HOUR = 3_600_000


async def rows(sql: Sql, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await sql.fetch(query, *arguments)]


@pytest.mark.requirement("IU-15")
async def test_entries_are_written_with_what_they_add_up_to(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 1_000_000)
    scribe.reserve("acme", "m1", 7_900, campaign="autumn", user="ann")
    scribe.commit("acme", "m1", 7_900)

    await write(database, 0, scribe.values())

    figures = "available_micros, held_micros, wallet_seq, unit"
    assert [(992_100, 0, 3, "USD")] == await rows(sql, f"SELECT {figures} FROM wallets")
    assert [("0-2", 992_100, 0, 1_000_000)] == await rows(
        sql, "SELECT lot, remaining_micros, held_micros, first_micros FROM lots"
    )
    assert [
        ("0-1", "opened", None, None, None),
        ("0-2", "topped_up", None, None, None),
        ("0-3", "reserved", "autumn", "ann", "34"),
        ("0-4", "committed", None, None, "34"),
    ] == await rows(sql, "SELECT id, kind, campaign, user_id, rates->0->'rate'->>'prefix' FROM entries ORDER BY seq")
    assert [("m1", "committed", 7_900)] == await rows(sql, "SELECT charge_id, state, committed_micros FROM charges")
    assert [(4, "c1", 2, 2, NOON, 0, 4)] == await rows(
        sql,
        "SELECT seq, chunk, usage_offset_next, commands_offset_next, clock_ms, timers_run, ledger_offset_next "
        "FROM positions",
    )


async def test_records_delivered_again_change_nothing(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 10)
    await write(database, 0, scribe.values())
    before = await rows(sql, "SELECT * FROM positions")

    again = await write(database, 0, scribe.values())

    assert (0, {"repeat": 2}) == (again.entries, again.dropped)
    assert before == await rows(sql, "SELECT * FROM positions")
    assert [(2,)] == await rows(sql, "SELECT count(*) FROM entries")


async def test_what_a_zombie_wrote_is_dropped_wherever_it_stands(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 10)
    zombie = Scribe(next_chunk="zombie")
    zombie.open("acme", 10)
    zombie.top_up("acme", 99)
    scribe.top_up("acme", 1)
    mine, its = scribe.values(), zombie.values()

    batch = await write(database, 0, [its[2], mine[0], its[1], its[2], mine[1], its[2], mine[2], its[2]])

    assert {"gap": 2, "other_history": 2, "repeat": 1} == batch.dropped
    assert [(11,)] == await rows(sql, "SELECT available_micros FROM wallets")
    assert [("c1",)] == await rows(sql, "SELECT DISTINCT chunk FROM entries")


async def test_position_goes_no_further_than_the_last_entry_that_counts(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme")

    await write(database, 0, [(7, scribe.values()[0][1]), (8, b"not an entry"), (9, scribe.values()[0][1])])

    assert [(8,)] == await rows(sql, "SELECT ledger_offset_next FROM positions")


async def test_flush_from_another_position_writes_nothing(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 10)
    values = scribe.values()
    first = await write(database, 0, values[:1])
    scribe.top_up("acme", 1)
    await write(database, 0, scribe.values()[1:])

    async with database.connection() as connection:
        assert await flush_all(connection, 0, ORIGIN, values) is None
        assert await flush_all(connection, 0, first.head, values[1:]) is None

    assert [(3,)] == await rows(sql, "SELECT count(*) FROM entries")


@pytest.mark.parametrize("wrong", ["figures", "wallet_seq", "opened twice", "not opened"])
async def test_entry_that_contradicts_the_books_is_refused_whole(database: Database, sql: Sql, wrong: str) -> None:
    scribe = Scribe()
    scribe.open("acme", 10)
    await write(database, 0, scribe.values())
    if wrong == "figures":
        entry = replace(scribe.top_up("acme", 1), before=Balance(11, 0, 0))
    elif wrong == "wallet_seq":
        entry = replace(scribe.top_up("acme", 1), wallet_seq=3)
    elif wrong == "opened twice":
        scribe.open("acme")
        entry = scribe.entries[-1]
    else:
        entry = replace(scribe.top_up("acme", 1), customer="nobody")
    position = await rows(sql, "SELECT * FROM positions")

    with pytest.raises(BrokenInvariant):
        await write(database, 0, [(3, encode(entry))])

    assert position == await rows(sql, "SELECT * FROM positions")
    assert [(2,)] == await rows(sql, "SELECT count(*) FROM entries")


async def test_customer_that_is_in_another_bucket_is_refused(database: Database) -> None:
    one, other = Scribe(bucket=1), Scribe(bucket=2)
    one.open("acme")
    other.open("acme")
    await write(database, 1, one.values())

    with pytest.raises(BrokenInvariant):
        await write(database, 2, other.values())


async def test_text_that_postgres_cannot_store_stops_the_bucket_and_names_the_entry(database: Database) -> None:
    scribe = Scribe()
    scribe.open("acme")
    scribe.top_up("acme", 1, note="a\0b")

    with pytest.raises(BrokenInvariant, match="entry 0-2 holds the character U\\+0000"):
        await write(database, 0, scribe.values())


async def test_value_that_does_not_fit_is_refused_not_retried(database: Database) -> None:
    scribe = Scribe()
    scribe.open("acme")
    scribe.plain(Kind.NOTED, "acme", quantity=2**63)

    with pytest.raises(BooksRefuse):
        await write(database, 0, scribe.values())


async def test_repeated_denials_are_counts_a_sender_and_hour(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 1)
    for minute, sender in ((0, "+1"), (1, "+1"), (2, "+2"), (61, "+1")):
        scribe.clock = NOON + minute * 60_000
        scribe.deny_blocked("acme", sender, price_micros=5)

    batch = await write(database, 0, scribe.values())

    assert 6 == batch.entries
    assert [(2,)] == await rows(sql, "SELECT count(*) FROM entries")
    found = (
        "SELECT sender, hour_ms, attempts, price_micros, event_seqs, event_digests[1] FROM denials ORDER BY first_seq"
    )
    assert [
        ("+1", NOON, 2, 10, [3, 4], event_digest("/test", "e0-0")),
        ("+2", NOON, 1, 5, [5], event_digest("/test", "e0-2")),
        ("+1", NOON + HOUR, 1, 5, [6], event_digest("/test", "e0-3")),
    ] == await rows(sql, found)
    assert [("+1", 3), ("+2", 1)] == await rows(
        sql, "SELECT sender, sum(attempts)::int FROM denials_by_hour GROUP BY sender ORDER BY sender"
    )


async def test_denial_that_blocks_is_an_entry_of_its_own(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 1)
    block = BlockChange(
        BlockLevel.SENDER,
        "+1",
        blocked=True,
        changed=True,
        reason=Reason.INSUFFICIENT_CREDIT,
        causes=(Reason.INSUFFICIENT_CREDIT,),
        wallet="main",
    )
    scribe.deny_blocked("acme", "+1", blocks=(block,))

    await write(database, 0, scribe.values())

    assert [(3, 0)] == await rows(sql, "SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM denials)")
    assert [("sender", "+1")] == await rows(sql, "SELECT level, id FROM blocks")


async def test_timer_effect_without_a_unit_gets_its_wallets(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 10)
    scribe.reserve("acme", "m", 3)
    scribe.expire("acme", "m", 3)

    await write(database, 0, scribe.values())

    assert [("expired", "USD")] == await rows(sql, "SELECT kind, unit FROM entries WHERE seq = 4")


async def test_recipients_are_rows_until_they_are_settled(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 100)
    held = Charge("b", "held", "main", 6, 6, 0, "sent", recipients={"+1": 1, "+2": 2, "+3": 3})
    scribe.plain(Kind.RESERVED, "acme", charge=held)
    part = replace(held, recipients=None, settled=("+2",))
    await write(database, 0, scribe.values())
    scribe.plain(Kind.COMMITTED, "acme", charge=part)
    await write(database, 0, scribe.values())
    assert [("+1", 1), ("+3", 3)] == await rows(
        sql, "SELECT recipient, price_micros FROM charge_recipients ORDER BY recipient"
    )

    scribe.plain(Kind.COMMITTED, "acme", charge=replace(part, state="committed", held_micros=0, settled=("+1", "+3")))
    scribe.plain(Kind.RESERVED, "acme", charge=replace(held, id="c"))
    scribe.plain(Kind.COMMITTED, "acme", charge=replace(part, id="c", settled=("+1",)))
    await write(database, 0, scribe.values())

    assert [("b", False), ("c", True)] == await rows(sql, "SELECT charge_id, several FROM charges ORDER BY 1")
    assert [("c", "+2"), ("c", "+3")] == await rows(
        sql, "SELECT charge_id, recipient FROM charge_recipients ORDER BY 2"
    )


async def test_rule_keeps_its_place_when_it_changes(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme", 100)
    first, second = RuleState("low", "armed", 10, 11), RuleState("lower", "armed", 5, 6)
    scribe.plain(Kind.SETTINGS_CHANGED, "acme", rules=(first, second))
    await write(database, 0, scribe.values())
    scribe.plain(Kind.SETTINGS_CHANGED, "acme", rules=(replace(first, state="low"),))

    await write(database, 0, scribe.values())

    query = "SELECT rule, state, made_seq, made_place FROM alert_rules ORDER BY made_seq, made_place"
    assert [("low", "low", 3, 0), ("lower", "armed", 3, 1)] == await rows(sql, query)


async def test_block_by_hand_outlives_the_want_of_credit_in_one_flush_or_two(database: Database, sql: Sql) -> None:
    hand, want = Reason.MANUAL, Reason.INSUFFICIENT_CREDIT

    def change(reason: Reason, *causes: Reason, **fields: Any) -> BlockChange:
        return BlockChange(
            BlockLevel.SENDER, "+1", blocked=bool(causes), changed=False, reason=reason, causes=causes, **fields
        )

    scribe = Scribe()
    scribe.open("acme")
    scribe.plain(Kind.BLOCKED, "acme", blocks=(change(hand, hand, since_ms=NOON, since_seq=2),))
    both = change(want, want, hand, wallet="main", needed_micros=9, since_ms=NOON, since_seq=3)
    scribe.plain(Kind.DEBITED, "acme", blocks=(both,))
    await write(database, 0, scribe.values())
    query = "SELECT reason, causes, wallet, needed_micros, until_ms, since_ms, since_seq FROM blocks"
    assert [("insufficient_credit", ["insufficient_credit", "manual"], "main", 9, 0, NOON, 3)] == await rows(sql, query)

    scribe.plain(Kind.NOTED, "acme", blocks=(change(want, hand, since_ms=NOON, since_seq=3),))
    await write(database, 0, scribe.values())
    assert [("manual", ["manual"], "", 0, 0, NOON, 3)] == await rows(sql, query)

    scribe.plain(Kind.UNBLOCKED, "acme", blocks=(change(hand),))
    scribe.plain(Kind.BLOCKED, "acme", blocks=(change(hand, hand, until_ms=7, since_ms=NOON + 5, since_seq=6),))
    await write(database, 0, scribe.values())
    assert [("manual", ["manual"], "", 0, 7, NOON + 5, 6)] == await rows(sql, query)

    scribe.plain(Kind.UNBLOCKED, "acme", blocks=(change(hand),))
    await write(database, 0, scribe.values())
    assert [] == await rows(sql, query)


async def test_partitions_are_there_before_their_day(database: Database, sql: Sql) -> None:
    scribe = Scribe()
    scribe.open("acme")
    scribe.clock += 10 * 24 * HOUR
    scribe.top_up("acme", 1)

    await write(database, 0, scribe.values())

    days = [f"entries_202603{day:02}" for day in (1, 2, 3, 11, 12, 13)]
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'entries'::regclass ORDER BY 1"
    assert [(day,) for day in days] == await rows(sql, query)
