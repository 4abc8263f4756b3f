"""All types of events, end to end: each becomes one entry, and the totals are those that were expected."""

from __future__ import annotations

import asyncpg
import pytest

from metering.checkpoint.schema import migrate
from tests.checkpoint.same_books import differing_tables
from tests.end_to_end.command_line import run
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import make_traffic

pytestmark = pytest.mark.requirement("INF-01")


@pytest.mark.requirement("INF-03")
async def test_mixed_events_become_one_entry_each_and_the_same_again_changes_nothing(system: System) -> None:
    traffic = make_traffic(seed=1, messages=400)
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands(traffic.commands)
    await system.applied()
    await system.send(traffic.events)
    await system.settled()
    first = await prove(system, traffic.totals)
    assert len(first.all_entries) == len(traffic.commands) + len(traffic.events)

    await system.send(traffic.events)
    await system.settled()
    second = await prove(system, traffic.totals)
    assert len(second.all_entries) == len(first.all_entries) + len(traffic.events)
    repeats = [entry for entry in second.all_entries if entry["kind"] == "duplicate"]
    assert len(repeats) == traffic.repeats + len(traffic.events)
    assert (second.live, second.books) == (first.live, first.books)
    await check_rebuilt_books(system)


async def check_rebuilt_books(system: System) -> None:
    """The books that `metering checkpoint rebuild` makes of the topic are those that the checkpointer made."""
    there = system.settings.postgres.dsn
    name = f"{there.rpartition('/')[2]}_rebuilt"
    dsn = await system.stack.postgres.create_database(name)
    try:
        await migrate(dsn)
        run(system, "checkpoint", "rebuild", METERING_POSTGRES__DSN=dsn)
        one, other = await asyncpg.connect(there), await asyncpg.connect(dsn)
        assert [] == await differing_tables(one, other)
        await one.close()
        await other.close()
        run(system, "checkpoint", "rebuild", expected=1)
    finally:
        await system.stack.postgres.drop_database(name)
