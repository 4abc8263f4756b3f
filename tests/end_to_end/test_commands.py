"""Commands, end to end: each is answered, a repeat with the first answer, and changes nothing twice."""

from __future__ import annotations

import pytest

from tests.end_to_end.messages import SPAIN, command, event, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals

pytestmark = pytest.mark.requirement("INF-01")


async def test_commands_are_answered_and_a_repeat_gets_the_first_answer(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    credit = command("acme", "credit-1", "top_up", amount_micros=10_000_000, unit="USD", reply_to="desk-7")
    commands = [
        *opening("acme", 5_000_000),
        credit,
        command("acme", "wrong-unit", "top_up", amount_micros=1, unit="EUR"),
        command("acme", "no-plan", "set_plan", plan="gold"),
        command("nobody", "no-customer", "top_up", amount_micros=1, unit="USD"),
        command("bravo", "open-bravo", "open_customer", plan="gold"),
        command("acme", "less", "adjust", amount_micros=-1_500_000, unit="USD"),
        command("acme", "stop", "suspend", reason="unpaid"),
        command("acme", "stop-again", "suspend"),
    ]
    await system.send_commands([*commands, credit, commands[3]])
    await system.applied()
    await system.send([text("acme", "while-suspended", reply_to="desk-7")])
    await system.applied()
    await system.send_commands([command("acme", "go-on", "resume"), credit])
    await system.settled()
    evidence = await prove(system, {"acme": Totals(13_500_000)})

    answers = {answer["id"]: (answer["outcome"], answer.get("reason")) for answer in evidence.values("answers")}
    assert {name: answers[name] for name in ("open-acme", "credit-1", "less", "stop", "go-on")} == dict.fromkeys(
        ("open-acme", "credit-1", "less", "stop", "go-on"), ("done", None)
    )
    assert answers["wrong-unit"] == ("refused", "wrong_unit")
    assert answers["no-plan"] == ("refused", "unknown_plan")
    assert answers["no-customer"] == ("refused", "unknown_customer")
    assert answers["open-bravo"] == ("refused", "unknown_plan")
    assert answers["stop-again"] == ("refused", "already")
    repeats = [answer for answer in evidence.values("answers") if answer["id"] == "credit-1"]
    assert [answer.get("duplicate", False) for answer in repeats] == [False, True, True]
    assert {answer["entry"] for answer in repeats} == {repeats[0]["entry"]}
    assert repeats[2]["after"]["available_micros"] == 15_000_000
    asked = next(answer for answer in evidence.values("answers") if answer["type"] == "sms.submitted")
    assert (asked["outcome"], asked["reason"], asked["reply_to"]) == ("denied", "suspended", "desk-7")
    keys = {read.key for read in evidence.topics["answers"] if read.value["id"] in ("credit-1", asked["id"])}
    assert keys == {b"desk-7"}


@pytest.mark.requirement("BM-18")
@pytest.mark.requirement("BM-19")
async def test_falling_credit_is_low_then_blocked_and_unblocked_when_topped_up(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands(opening("acme", 6_100_000))
    await system.applied()
    texts = [text("acme", f"t-{n}", SPAIN, 20, sender="ACME") for n in range(8)]
    await system.send(texts)
    await system.applied()
    await system.send_commands([command("acme", "rescue", "top_up", amount_micros=9_000_000, unit="USD")])
    await system.applied()
    await system.send([text("acme", "after", SPAIN, 20, sender="ACME"), event("acme", "in", "sms.received", to=SPAIN)])
    await system.settled()
    evidence = await prove(system, {"acme": Totals(15_100_000, 7_000_000)})

    alerts = [(alert["type"], alert["data"].get("id")) for alert in evidence.values("alerts")]
    assert alerts == [
        ("credit.low", None),
        ("sender.blocked", "ACME"),
        ("credit.recovered", None),
        ("sender.unblocked", "ACME"),
    ]
    decisions = [(d["event_id"], d["outcome"], d.get("reason")) for d in evidence.values("decisions")]
    assert decisions == [
        *[(f"t-{n}", "allowed", None) for n in range(6)],
        ("t-6", "denied", "insufficient_credit"),
        ("t-7", "denied", "blocked"),
        ("after", "allowed", None),
    ]
    listed = [(read.key, read.value and read.value["reason"]) for read in evidence.topics["blocked-senders"]]
    assert listed == [(b'["acme","sender","ACME"]', "insufficient_credit"), (b'["acme","sender","ACME"]', None)]
