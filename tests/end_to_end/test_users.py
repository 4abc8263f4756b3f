"""Users of one pool through the whole system: many clients at once, a worker killed, the books, the CLI."""

from __future__ import annotations

import asyncio
import io

import orjson
import pytest

from metering.checkpoint.reconcile import reconcile
from metering.cli.balances import describe_customer, read_customer
from metering.cli.statements import Period
from metering.cli.user_statements import print_user_statement
from tests.end_to_end.evidence import Evidence
from tests.end_to_end.messages import SPAIN, command, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System

MILLION = 1_000_000
CLIENTS = 64
GRANT, PER_MONTH = 100 * MILLION, 3 * MILLION
PRICE = 50_000


def answers_to(evidence: Evidence, prefix: str) -> list[tuple[str, str | None]]:
    """Outcome and reason of each command whose id begins so, one answer a command."""
    found = {answer["id"]: answer for answer in evidence.values("answers") if answer["id"].startswith(prefix)}
    return [(answer["outcome"], answer.get("reason")) for answer in found.values()]


@pytest.mark.requirement("PL-45")
@pytest.mark.requirement("PL-48")
async def test_64_clients_that_save_at_once_never_assign_more_than_the_plan_covers(system: System) -> None:
    system.start_checkpointer()
    worker = system.start_worker()
    await system.send_commands([command("acme", "open", "open_customer", plan="users-usd")])
    await system.applied()

    async def save(client: int) -> None:
        fields = {"user": f"user-{client}", "per_month_micros": PER_MONTH}
        await system.send_commands([command("acme", f"put-{client}", "put_user", **fields)])
        await system.send_commands([command("acme", f"raise-{client}", "set_allotment", **fields)])

    await asyncio.gather(*(save(client) for client in range(CLIENTS // 2)))
    system.kill(worker)
    system.start_worker()
    await asyncio.gather(*(save(client) for client in range(CLIENTS // 2, CLIENTS)))
    await system.applied()
    evidence, view = await _evidence(system), await read_customer(system.settings, "acme")

    accepted = GRANT // PER_MONTH
    puts = answers_to(evidence, "put-")
    assert puts.count(("done", None)) == accepted
    assert puts.count(("refused", "exceeds_max")) == CLIENTS - accepted
    assert set(answers_to(evidence, "raise-")) == {("done", None), ("refused", "unknown_user")}
    assert view is not None
    assert sum(user.per_month_micros or 0 for user in view.users) == accepted * PER_MONTH
    assert view.assignable is not None
    assert view.assignable.max_per_month_micros == GRANT - accepted * PER_MONTH
    assert (await reconcile(system.database)).drift == 0


@pytest.mark.requirement("PL-44")
@pytest.mark.requirement("PL-54")
@pytest.mark.requirement("PL-58")
async def test_user_spends_the_total_is_blocked_and_goes_on_with_more(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands(
        [
            command("acme", "open", "open_customer", plan="users-usd"),
            command("acme", "owner", "put_user", user="olga", role="owner"),
            command("acme", "ann", "put_user", user="ann", total_micros=3 * PRICE),
        ]
    )
    await system.applied()
    await system.send([text("acme", f"m-{number}", SPAIN, user="ann", sender="shared") for number in range(5)])
    await system.send([text("acme", "o-1", SPAIN, user="olga", sender="shared")])
    await system.applied()
    await system.send_commands([command("acme", "more", "set_allotment", user="ann", add_micros=MILLION)])
    await system.applied()
    await system.send([text("acme", "m-last", SPAIN, user="ann", sender="shared")])
    await system.applied()
    evidence, view = await _evidence(system), await read_customer(system.settings, "acme")

    decisions = {d["event_id"]: (d["outcome"], d.get("reason")) for d in evidence.values("decisions")}
    assert [decisions[f"m-{number}"][0] for number in range(5)] == ["allowed"] * 3 + ["denied"] * 2
    assert decisions["m-3"] == ("denied", "limit_reached")
    assert decisions["o-1"] == decisions["m-last"] == ("allowed", None)
    told = [(a["type"], a["data"].get("level"), a["data"].get("id")) for a in evidence.values("alerts")]
    assert ("sender.blocked", "user", "ann") in told
    assert ("sender.unblocked", "user", "ann") in told
    assert view is not None
    shown = describe_customer(view)
    assert [(user.user, user.allotment, user.total_micros) for user in view.users] == [
        ("ann", "own", MILLION - PRICE),
        ("olga", "shared", None),
    ]
    assert "shared" in shown
    assert "a further user can be assigned" in shown
    out = io.StringIO()
    missing = await print_user_statement(system.settings.postgres.dsn, "acme", "ann", Period(), "json", out)
    assert missing is None
    lines = orjson.loads(out.getvalue())["lines"]
    assert [(line["kind"], line["change_micros"], line["subtotal_micros"], line["actor"]) for line in lines] == [
        ("assigned", 3 * PRICE, 3 * PRICE, "operator"),
        ("assigned", MILLION, MILLION + 3 * PRICE, "operator"),
    ]


async def _evidence(system: System) -> Evidence:
    await system.settled()
    return await prove(system)
