"""Records that become no entry, on either topic, do not change what a replay makes of the others."""

from __future__ import annotations

import pytest

from metering.contracts.partitioning import partition_of
from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals


@pytest.mark.requirement("INF-01")
async def test_replay_past_dead_letters_of_both_topics_gives_every_entry_again(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    bucket = partition_of("acme", PARTITIONS)
    await system.send_commands(opening("acme", 1_000_000))
    await system.settled()
    for number in range(5):
        # Each time a record that is no command is passed before an event, and one that is no event before a command.
        await system.send_to([(bucket, "acme", b"{broken")], topic="commands")
        await system.applied()
        await system.send([text("acme", f"t-{number}", AMERICA)])
        await system.applied()
        await system.send_to([(bucket, "acme", b"{broken")])
        await system.applied()
        await system.send_commands([command("acme", f"c-{number}", "top_up", amount_micros=1, unit="USD")])
        await system.applied()
    await system.settled()
    evidence = await prove(system, {"acme": Totals(1_000_000 - 5 * 10_000 + 5)})
    assert len(evidence.all_entries) == 12
