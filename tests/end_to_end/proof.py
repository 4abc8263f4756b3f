"""Proves from what a run left behind that all came out as it must: what every end-to-end and fault test ends with.

Leaves reading to `evidence`, rules to `verifier`, and making the entries again to the replay.
"""

from __future__ import annotations

from collections.abc import Mapping

from metering.embedded.valkey import ValkeyServer
from metering.ledger.connection import connect_redis
from metering.worker.replay import ReplayReport, replay
from tests.end_to_end.evidence import Evidence, collect
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals
from tests.end_to_end.verifier import check_all, check_replay


async def prove(system: System, totals: Mapping[str, Totals] | None = None) -> Evidence:
    """Read everything, check everything, the traffic's totals too, and make every entry again from the inputs.

    Nothing may be running that still changes it.
    """
    evidence = await collect(system)
    check_all(evidence, totals)
    check_replay(evidence, await replay_all(system))
    return evidence


async def replay_all(system: System) -> ReplayReport:
    """Run the inputs again into a Redis of their own."""
    async with ValkeyServer() as scratch, connect_redis(scratch.url) as redis:
        return await replay(system.settings, redis)
