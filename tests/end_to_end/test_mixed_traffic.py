"""All types of events, end to end: each becomes one entry, and the totals are those that were expected."""

from __future__ import annotations

import pytest

from tests.end_to_end.evidence import collect
from tests.end_to_end.system import System
from tests.end_to_end.traffic import make_traffic
from tests.end_to_end.verifier import check_all

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
    first = await collect(system)
    check_all(first, traffic.totals)
    assert len(first.all_entries) == len(traffic.commands) + len(traffic.events)

    await system.send(traffic.events)
    await system.settled()
    second = await collect(system)
    check_all(second, traffic.totals)
    assert len(second.all_entries) == len(first.all_entries) + len(traffic.events)
    repeats = [entry for entry in second.all_entries if entry["kind"] == "duplicate"]
    assert len(repeats) == traffic.repeats + len(traffic.events)
    assert (second.live, second.books) == (first.live, first.books)
