"""Dead letters from the command line: looked at, sent again with effect once, dropped. Leaves parts to `tests/cli`."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from metering.cli import dead_letters_resolving
from metering.cli.dead_letters_reading import Wanted, read_letters
from metering.cli.kafka import open_producer
from metering.contracts.partitioning import partition_of
from metering.errors import Retryable
from metering.worker.chunking import FORWARDED
from tests.end_to_end.command_line import run, run_plain
from tests.end_to_end.evidence import collect
from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import PARTITIONS, Record, System
from tests.end_to_end.topics import read_topic
from tests.end_to_end.traffic import Totals
from tests.end_to_end.verifier import check_all
from tests.stack.brokers import ON_TANSU

NAMES = ("customer-0", "customer-1")


async def send_astray(system: System, records: list[Record], topic: str = "usage") -> None:
    """Send sound records so that each becomes a dead letter: to a wrong partition, as if forwarded once already."""
    async with open_producer(system.settings.kafka) as producer:
        for customer, value in records:
            wrong = (partition_of(customer, PARTITIONS) + 1) % PARTITIONS
            sent = await producer.send_and_wait(
                system.topic(topic), value, customer.encode(), wrong, headers=[(FORWARDED, b"1")]
            )
            system.ends[topic][wrong] = sent.offset + 1


async def start(system: System) -> None:
    """Open the customers."""
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands([record for name in NAMES for record in opening(name, 1_000_000)])
    await system.settled()


async def resolve(system: System, *arguments: str, expected: int = 0) -> Any:
    """Run `retry` or `drop`, and note what it has sent."""
    outcome = run(system, "dead-letters", *arguments, "--actor", "ops", expected=expected)
    await system.settled()
    return outcome


@pytest.mark.timeout(300)
@pytest.mark.requirement("INF-01")
async def test_dead_letters_are_listed_shown_retried_once_and_dropped(system: System) -> None:
    await start(system)
    await send_astray(system, [text(name, f"{name}-{n}", AMERICA) for n in range(3) for name in NAMES])
    await send_astray(system, [command("customer-0", "more", "top_up", amount_micros=5, unit="USD")], "commands")
    home = partition_of("customer-0", PARTITIONS)
    await system.send_to([(home, "customer-0", b"{broken"), (home, "customer-0", b"\xff\xfe")])
    await system.settled()

    found = run(system, "dead-letters", "list")
    assert (found["open"], found["by_reason"]) == (9, {"misrouted": 7, "not_json": 2})
    assert len(found["dead_letters"]) == 9
    some = run_plain(system, "dead-letters", "list", "--customer", "customer-1", "--since=2020-01-01", "--limit=2")
    assert "3 open, the oldest 2 shown: misrouted 3" in some
    broken = [line["key"] for line in found["dead_letters"] if line["reason"] == "not_json"]
    shown = run(system, "dead-letters", "show", *broken)["dead_letters"]
    assert (shown[0]["value"], shown[0]["goes_to"], shown[0]["resolution"]) == ("{broken", home, None)
    assert base64.b64decode(shown[1]["value_base64"]) == b"\xff\xfe"

    chosen = ("retry", "--all-matching", "--reason", "misrouted")
    assert run(system, "dead-letters", *chosen, "--actor", "ops", expected=1) is None
    run(system, "dead-letters", *chosen, "--actor", "ops", "--count", "6", expected=1)
    assert run(system, "dead-letters", "list")["open"] == 9
    outcome = await resolve(system, *chosen, "--count", "7", "--why", "the partitioner is mended")
    assert (outcome["matching"], outcome["retried"], outcome["left"]) == (7, 7, {})
    totals = {"customer-0": Totals(970_005), "customer-1": Totals(970_000)}
    check_all(await collect(system), totals)

    # Once more, by name: each is known, and the first answer stands.
    keys = [line["key"] for line in found["dead_letters"] if line["reason"] == "misrouted"]
    assert (await resolve(system, "retry", *keys))["retried"] == 7
    evidence = await collect(system)
    check_all(evidence, totals)
    assert [entry["kind"] for entry in evidence.entries_of("customer-0-1")] == ["debited", "duplicate"]
    assert [entry["kind"] for entry in evidence.entries_of("more")] == ["topped_up", "duplicate"]
    (of_one,) = run(system, "dead-letters", "show", keys[0])["dead_letters"]
    assert (of_one["resolution"]["resolution"], of_one["resolution"]["actor"]) == ("retried", "ops")
    sent = {f"usage-{read.partition}-{read.offset}": read for read in evidence.topics["usage"]}
    assert dict(sent[of_one["resolution"]["sent_to"]].headers)["metering-retry-of"] == keys[0].encode()

    # What is still no input becomes another dead letter, which names the first; then they are dropped.
    assert (await resolve(system, "retry", broken[0]))["retried"] == 1
    (again,) = [line for line in run(system, "dead-letters", "list")["dead_letters"] if line["retry_of"]]
    assert again["retry_of"] == broken[0]
    outcome = await resolve(system, "drop", "--all-matching", "--yes", "--why", "noise of a test")
    assert outcome["dropped"] == 2
    assert run(system, "dead-letters", "list") == {"open": 0, "by_reason": {}, "dead_letters": []}
    (dropped,) = run(system, "dead-letters", "show", broken[1])["dead_letters"]
    assert (dropped["resolution"]["resolution"], dropped["resolution"]["reason"]) == ("dropped", "noise of a test")
    await prove(system, totals)


@ON_TANSU
async def test_retry_that_is_cut_off_before_it_is_noted_is_run_again_without_effect_twice(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(system)
    await send_astray(system, [text("customer-0", f"t-{n}", AMERICA) for n in range(4)])
    too_old = text("customer-1", "old", AMERICA)[1].replace(b'"time": "2', b'"time": "1')
    await system.send_to([(partition_of("customer-1", PARTITIONS), "customer-1", too_old)])
    await system.settled()
    note = dead_letters_resolving._note

    async def cut_off(*_: Any) -> None:
        raise Retryable("cut off")

    monkeypatch.setattr(dead_letters_resolving, "_note", cut_off)
    async with read_letters(system.settings.kafka, Wanted()) as letters:
        with pytest.raises(Retryable, match="cut off"):
            await dead_letters_resolving.retry(system.settings, letters.open_pages(), "ops", None)
    monkeypatch.setattr(dead_letters_resolving, "_note", note)
    await system.settled()
    assert run(system, "dead-letters", "list")["open"] == 5
    outcome = await resolve(system, "retry", "--all-matching", "--yes", expected=1)
    assert (outcome["retried"], outcome["left"]) == (4, {"too_old": 1})
    evidence = await prove(system, {"customer-0": Totals(960_000), "customer-1": Totals(1_000_000)})
    for n in range(4):
        assert [entry["kind"] for entry in evidence.entries_of(f"t-{n}")] == ["debited", "duplicate"]
    assert [one["open"] for one in [run(system, "dead-letters", "list")]] == [1]
    assert len(await read_topic(system, "dead-letters")) == 5 + 4
