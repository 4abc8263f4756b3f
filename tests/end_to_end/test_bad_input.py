"""Bad input, end to end: each record ends as a dead letter or a refusal with its reason, and the stream goes on."""

from __future__ import annotations

import base64

import pytest

from metering.contracts.partitioning import partition_of
from tests.end_to_end.messages import AMERICA, GERMANY, SPAIN, command, event, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.traffic import Totals

DEAD: dict[str, tuple[bytes | None, str]] = {
    "tombstone": (None, "empty"),
    "no_json": (b'{"specversion": "1.0", "id"', "not_json"),
    "bytes": (bytes(range(256)), "not_json"),
    "lone_surrogate": (text("acme", "surrogate-\ud800")[1], "not_json"),
    "wrong_types": (event("acme", "types", "sms.submitted", to=SPAIN, segments="three")[1], "invalid"),
    "negative": (text("acme", "negative", segments=-3)[1], "invalid"),
    "huge": (event("acme", "huge", "usage.recorded", amount_micros=10**30)[1], "invalid"),
    "unknown_type": (event("acme", "fax", "fax.submitted", to=SPAIN)[1], "unknown_type"),
    "no_recipient": (event("acme", "lost", "sms.submitted", segments=1)[1], "missing_field"),
    "nul": (text("acme", "nul-\0")[1], "nul_character"),
    "one_megabyte": (text("acme", "large", text="x" * 1_000_000)[1], "too_large"),
    "too_old": (text("acme", "old")[1].replace(b'"time": "2', b'"time": "1'), "too_old"),
    "in_future": (text("acme", "future")[1].replace(b'"time": "2', b'"time": "8'), "in_future"),
    "deep": (text("acme", "deep")[1][:-1] + b', "x": ' + b"[" * 9_000 + b"]" * 9_000 + b"}", "not_json"),
}

REFUSED = {
    "unrated": (text("acme", "unrated", GERMANY), "unrated"),
    "no_number": (text("acme", "no_number", "+34"), "invalid_number"),
    "nobody": (text("nobody", "nobody"), "unknown_customer"),
    "no_wallet": (text("acme", "no_wallet", wallet="petty-cash"), "unknown_wallet"),
    "too_many": (
        event("acme", "too_many", "sms.submitted", recipients=[f"+3460000{n:04}" for n in range(1_001)], segments=1),
        "too_many",
    ),
    "huge_price": (text("acme", "huge_price", SPAIN, 255), "insufficient_credit"),
}


async def test_bad_events_end_with_a_reason_and_the_stream_goes_on(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands(opening("acme", 1_000_000))
    await system.applied()
    bucket = partition_of("acme", PARTITIONS)
    for number, (value, _) in enumerate(DEAD.values()):
        await system.send_to([(bucket, "acme", value)])
        await system.send([text("acme", f"good-{number}", AMERICA)])
    await system.send([record for record, _ in REFUSED.values()])
    await system.send_to([(bucket, "acme", b"{}"), (bucket, "acme", command("acme", "x", "give")[1])], topic="commands")
    await system.settled()
    evidence = await prove(system, {"acme": Totals(1_000_000 - 10_000 * len(DEAD))})

    letters = evidence.values("dead-letters")
    of_usage = sorted((one for one in letters if one["topic"] == "usage"), key=lambda one: one["offset"])
    assert [one["reason"] for one in of_usage] == [reason for _, reason in DEAD.values()]
    assert all(one["detail"] for one in letters)
    assert [base64.b64decode(one["value"]) if "value" in one else None for one in of_usage] == [
        value for value, _ in DEAD.values()
    ]
    assert [one["reason"] for one in letters if one["topic"] == "commands"] == ["invalid", "unknown_type"]
    for name, (_, reason) in REFUSED.items():
        (entry,) = evidence.entries_of(name)
        assert (entry["kind"], entry["reason"], entry.get("amount_micros", 0)) == ("denied", reason, 0)


@pytest.mark.requirement("INF-02")
async def test_records_in_a_wrong_partition_are_forwarded_and_metered_in_the_right_one(system: System) -> None:
    system.start_checkpointer()
    system.start_worker()
    home = partition_of("acme", PARTITIONS)
    wrong = (home + 1) % PARTITIONS
    await system.send_to([(wrong, customer, value) for customer, value in opening("acme", 1_000_000)], "commands")

    async def is_open() -> bool:
        return (await system.status(home)).position.commands >= 2

    await system.reached(is_open, "commands forwarded")
    await system.send_to([(wrong, *text("acme", f"t-{n}", AMERICA)) for n in range(50)])

    async def is_metered() -> bool:
        return (await system.status(home)).position.usage >= 50

    await system.reached(is_metered, "events forwarded")
    await system.settled()
    evidence = await prove(system, {"acme": Totals(1_000_000 - 50 * 10_000)})
    assert {bucket for bucket, entries in evidence.entries.items() if entries} == {home}
