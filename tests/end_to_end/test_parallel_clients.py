"""Many clients at once on one wallet with credit for exactly so many messages: those go out, never one more."""

from __future__ import annotations

import asyncio

import pytest

from tests.end_to_end.messages import SPAIN, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals

CLIENTS, TRIES, PRICE_MICROS = 64, 3, 50_000


@pytest.mark.requirement("INF-02")
@pytest.mark.requirement("INF-13")
@pytest.mark.parametrize("covered", [1, 37])
async def test_64_clients_on_one_wallet_send_what_is_covered_and_never_one_more(system: System, covered: int) -> None:
    credit = covered * PRICE_MICROS
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands(opening("acme", credit))
    await system.applied()

    async def send(client: int) -> None:
        for number in range(TRIES):
            await system.send([text("acme", f"client-{client}-{number}", SPAIN, sender=f"s-{client % 8}")])

    await asyncio.gather(*(send(client) for client in range(CLIENTS)))
    await system.settled()
    evidence = await prove(system, {"acme": Totals(credit, credit)})

    outcomes = [decision["outcome"] for decision in evidence.values("decisions")]
    assert (outcomes.count("allowed"), outcomes.count("denied")) == (covered, CLIENTS * TRIES - covered)
    blocked = [alert["data"]["level"] for alert in evidence.values("alerts") if alert["type"] == "sender.blocked"]
    assert blocked == ["wallet"]
