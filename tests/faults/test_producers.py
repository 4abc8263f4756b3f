"""Producers that repeat, mix the order, place wrongly and send rubbish. Leaves what the pipeline is to `end_to_end`."""

from __future__ import annotations

import pytest

from tests.end_to_end.proof import prove
from tests.faults.run import Run
from tests.faults.soak.stream import Stream


@pytest.mark.requirement("INF-01")
async def test_producer_that_repeats_reorders_misplaces_and_poisons_leaves_totals_exact(run: Run, seed: int) -> None:
    system = run.system
    system.start_checkpointer()
    system.start_worker()
    stream = Stream(system, seed, per_second=100)
    await stream.open()
    await system.settled()
    for disturb in (stream.reorder, stream.repeat, stream.misplace, stream.poison, stream.reorder, stream.repeat):
        await disturb()
    await system.settled()
    evidence = await prove(system, stream.totals)
    assert evidence.values("dead-letters")
    assert {"duplicate", "reserved", "committed"} <= {entry["kind"] for entry in evidence.all_entries}
