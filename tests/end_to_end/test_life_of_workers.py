"""Workers that come and go, end to end. Leaves those that die to `tests/faults`."""

from __future__ import annotations

import pytest

from tests.end_to_end.messages import SPAIN, command, opening, text
from tests.end_to_end.metrics import count_logged
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals, make_traffic

pytestmark = pytest.mark.requirement("INF-05")


async def test_workers_started_and_stopped_during_the_run_share_the_buckets_and_totals_stay_exact(
    system: System,
) -> None:
    traffic = make_traffic(seed=2, messages=900)
    system.start_checkpointer()
    first = system.start_worker()
    await system.send_commands(traffic.commands)
    await system.applied()
    cut = len(traffic.events) // 3
    await system.send(traffic.events[:cut])
    second = system.start_worker()
    await system.reached(lambda: count_logged(second, "buckets_assigned"), "the second worker got buckets")
    await system.send(traffic.events[cut : 2 * cut])
    assert await system.stop(first) == 0
    await system.send(traffic.events[2 * cut :])
    await system.settled()
    third = system.start_worker()
    assert await system.stop(second) == 0
    await system.reached(lambda: count_logged(third, "buckets_assigned"), "the third worker got buckets")
    await system.send([text("customer-0", "last")])
    traffic.totals["customer-0"].held_micros += 50_000
    await system.settled()
    evidence = await prove(system, traffic.totals)
    assert len(evidence.all_entries) == len(traffic.commands) + len(traffic.events) + 1


async def test_hold_of_an_idle_bucket_is_released_at_its_deadline(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands(opening("acme", 1_000_000, plan="brief-holds"))
    await system.applied()
    await system.send([text("acme", "forgotten", SPAIN, 2), text("acme", "never-told", SPAIN)])

    async def is_released() -> bool:
        statuses = [await system.status(bucket) for bucket in range(system.settings.kafka.partitions)]
        return sum(status.seq for status in statuses) == 6 and not any(status.charges_held for status in statuses)

    await system.reached(is_released, "both holds expired")
    await system.settled()
    evidence = await prove(system, {"acme": Totals(1_000_000)})
    expired = [entry for entry in evidence.all_entries if entry["kind"] == "expired"]
    assert [(entry["charge_id"], entry["reason"]) for entry in expired] == [
        ("forgotten", "hold"),
        ("never-told", "hold"),
    ]
    assert all(entry["applied_at_ms"] >= entry["due_at_ms"] for entry in expired)
    assert any(entry["input"]["topic"] == "commands" for entry in expired)


async def test_replay_makes_the_same_entries_again_of_which_some_came_from_ticks(system: System) -> None:
    traffic = make_traffic(seed=3, messages=200)
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands([*traffic.commands, *opening("brief", 1_000_000, plan="brief-holds")])
    await system.applied()
    half = len(traffic.events) // 2
    await system.send([*traffic.events[:half], text("brief", "forgotten")])
    await system.applied()
    await system.send_commands([command("customer-1", "more", "top_up", amount_micros=1_000_000, unit="USD")])

    async def is_released() -> bool:
        statuses = [await system.status(bucket) for bucket in range(system.settings.kafka.partitions)]
        return sum(status.seq for status in statuses) >= len(traffic.commands) + 2 + half + 1 + 1 + 1

    await system.reached(is_released, "the hold expired")
    await system.send(traffic.events[half:])
    await system.settled()
    traffic.totals["customer-1"].balance_micros += 1_000_000
    await prove(system, traffic.totals)
