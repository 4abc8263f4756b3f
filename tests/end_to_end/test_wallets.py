"""Several wallets of one customer through the whole system: moved, swept, seen in the books and by the command line."""

from __future__ import annotations

import pytest

from metering.checkpoint.reconcile import reconcile
from metering.checkpoint.statement import statement
from metering.cli.balances import describe_customer, read_customer
from metering.cli.modes import set_mode
from metering.cli.statements import describe_line
from tests.end_to_end.messages import SPAIN, command, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System

MILLION = 1_000_000


@pytest.mark.requirement("INF-06")
@pytest.mark.requirement("INF-16")
@pytest.mark.requirement("IU-01")
@pytest.mark.requirement("IU-24")
async def test_credit_goes_out_to_users_and_back_into_the_pool_and_every_book_agrees(system: System) -> None:
    system.start_checkpointer()
    worker = system.start_worker()
    users = ("ann", "ben")
    await system.send_commands(
        [
            *opening("acme", 20 * MILLION),
            *(command("acme", f"put-{user}", "put_wallet", user=user, name=user.title()) for user in users),
            *(
                command("acme", f"to-{user}", "transfer", to=user, amount_micros=5 * MILLION, unit="USD")
                for user in users
            ),
            command("acme", "freeze", "freeze_wallet", wallet="ben"),
            command("acme", "too-much", "transfer", wallet="ann", to="main", amount_micros=6 * MILLION, unit="USD"),
        ]
    )
    await system.applied()
    system.kill(worker)
    system.start_worker()
    await system.send([text("acme", "m-1", SPAIN, 20, wallet="ann"), text("acme", "m-2", SPAIN, 1, wallet="ben")])
    await system.applied()

    answers = [result.answer async for result in set_mode(system.settings, "acme", "shared_pool", "operator", "merger")]
    unknown = [result.problem async for result in set_mode(system.settings, "nobody", "per_user", "operator", None)]
    await system.settled()
    evidence = await prove(system)

    assert [(answer.outcome, answer.amount_micros) for answer in answers if answer] == [("done", 9 * MILLION)]
    assert unknown == ["there is no customer 'nobody'"]
    decisions = {d["event_id"]: (d["outcome"], d.get("reason")) for d in evidence.values("decisions")}
    assert decisions == {"m-1": ("allowed", None), "m-2": ("denied", "wallet_frozen")}
    view = await read_customer(system.settings, "acme")
    assert view is not None
    assert {one.wallet: (one.available_micros, one.held_micros) for one in view.wallets} == {
        "main": (19 * MILLION, 0),
        "ann": (0, MILLION),
        "ben": (0, 0),
    }
    shown = describe_customer(view)
    assert "wallet mode shared_pool" in shown
    assert "frozen" in shown
    lines = [line async for line in statement(system.database, "acme", "ann")]
    assert [(line.kind, line.counter_wallet, line.amount_micros) for line in lines] == [
        ("transferred", "main", 5 * MILLION),
        ("reserved", None, 0),
        ("settings_changed", "main", -4 * MILLION),
    ]
    assert "from main" in describe_line(lines[0])
    assert (await reconcile(system.database)).drift == 0
