"""Published rates, end to end: all workers switch at one moment of the log, and what is broken counts nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from metering.contracts.rates import LEAD_MS, RatesManifest, encode_manifest, manifest_key, part_key
from metering.embedded.process import Process
from metering.rating import load_catalog, pack_files
from metering.rating.check import check_tree
from metering.rating.tree import DirectoryTree
from tests.end_to_end.messages import AMERICA, GERMANY, SPAIN, event, opening, outcome, text
from tests.end_to_end.metrics import metrics_of, sum_of
from tests.end_to_end.proof import prove
from tests.end_to_end.system import RATES, Record, System
from tests.end_to_end.traffic import Totals

pytestmark = pytest.mark.requirement("INF-08")

CUSTOMERS = ("acme", "bravo", "carol", "delta")
OLD_MICROS = 50_000
NEW_MICROS = 70_000
BEFORE_MS = 5_000
"""A busy broker may stamp a record so much later than it was sent."""


def write_version(directory: Path, price: str) -> str:
    """Copy the rates with another price of Spanish texts; return the version."""
    for path in sorted(RATES.rglob("*.*")):
        copy = directory / path.relative_to(RATES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text().replace("Spain,ES,0.05,segment", f"Spain,ES,{price},segment"))
    return load_catalog(directory).version


async def run_metering(system: System, *arguments: str) -> tuple[int, Any, str]:
    """Run a command; return its exit code, its JSON and what it said on stderr."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(system.directory),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **system.settings.to_environment(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "metering.cli",
        *arguments,
        env=environment,
        cwd=system.directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, json.loads(output) if output[:1] in (b"{", b"[") else None, errors.decode()


async def send_stamped(system: System, records: list[Record], stamp_ms: int) -> None:
    """Send events with their log time: at once where the producer stamps records, else when that time has come."""
    if system.stack.has_transactions:
        await asyncio.sleep(max(0.0, stamp_ms / 1_000 - time.time()) + 0.05)
        await system.send(records)
    else:
        await system.send(records, stamp_ms)


async def publish_by_hand(system: System, files: dict[str, bytes], active_from_ms: int, *, whole: bool = True) -> None:
    """Write a publication past all checks; without its parts unless `whole`."""
    packed = pack_files(files)
    manifest = RatesManifest(
        version="b" * 12,
        active_from_ms=active_from_ms,
        digest=packed.digest,
        parts=len(packed.parts),
        packed_bytes=packed.packed_bytes,
        files_bytes=packed.files_bytes,
    )
    producer = await system._open_producer()
    records = [(part_key(packed.digest, number), part) for number, part in enumerate(packed.parts) if whole]
    for key, value in [*records, (manifest_key(manifest), encode_manifest(manifest))]:
        await producer.send_and_wait(system.topic("rates"), value, key)


def knows_of(worker: Process, moment_ms: int) -> bool:
    """Whether a worker has read the publication that comes into force then.

    Records that a producer stamps ahead of the clock are priced at once: no worker has had its 60 s to read of it.
    """
    return sum_of(metrics_of(worker), "metering_rates_next_activation_seconds") == moment_ms / 1_000


def has_skipped_all(worker: Process) -> bool:
    """Whether a worker says of each bad publication why it counts for nothing."""
    found = metrics_of(worker)
    return all(
        f'metering_rates_skipped_total{{reason="{why}"}} 1.0' in found for why in ("late", "incomplete", "unreadable")
    )


@pytest.mark.timeout(240)
async def test_published_version_prices_from_its_moment_on_and_a_broken_one_never(
    system: System, tmp_path: Path
) -> None:
    system.start_checkpointer()
    workers = [system.start_worker(), system.start_worker()]
    old, new = load_catalog(RATES).version, write_version(tmp_path / "new", "0.07")
    await system.send_commands([record for customer in CUSTOMERS for record in opening(customer, 5_000_000)])
    await system.send([text(customer, f"first-{customer}") for customer in CUSTOMERS])
    await system.applied()

    code, published, _ = await run_metering(system, "rates", "publish", str(tmp_path / "new"), "--in", "75", "--json")
    assert (code, published["ok"], published["version"], published["written"]) == (0, True, new, True)
    moment_ms = published["active_from_ms"]
    assert moment_ms >= published["published_at_ms"] + LEAD_MS
    files = dict(check_tree(DirectoryTree(RATES)).files)
    await publish_by_hand(system, files, published["published_at_ms"] + 30_000)
    await publish_by_hand(system, {**files, "extra": b""}, moment_ms - 2_000, whole=False)
    await publish_by_hand(system, {**files, "decks/flat.csv": b"channel,price\nsms,much\n"}, moment_ms + 500)
    for worker in workers:
        await system.reached(partial(has_skipped_all, worker), "the bad publications are skipped")

    await send_stamped(system, [text(customer, f"before-{customer}") for customer in CUSTOMERS], moment_ms - BEFORE_MS)
    await send_stamped(system, [text(customer, f"after-{customer}") for customer in CUSTOMERS], moment_ms + 1_000)
    await system.settled()
    held_micros = 2 * OLD_MICROS + NEW_MICROS
    evidence = await prove(system, {customer: Totals(5_000_000, held_micros) for customer in CUSTOMERS})
    found = {
        entry["event"]["id"]: (entry["rates_version"], entry["price_micros"])
        for entry in evidence.all_entries
        if "rates_version" in entry
    }
    expected = {"first": (old, OLD_MICROS), "before": (old, OLD_MICROS), "after": (new, NEW_MICROS)}
    assert {f"{name}-{customer}": price for name, price in expected.items() for customer in CUSTOMERS} == found
    for worker in workers:
        assert f'metering_rates_info{{version="{new}"}} 1.0' in metrics_of(worker)
        assert "publish a version that it can read" in worker._log_path.read_text()


@pytest.mark.timeout(240)
async def test_worker_killed_at_the_switch_changes_no_price(system: System, tmp_path: Path) -> None:
    system.start_checkpointer()
    victim = system.start_worker()
    old, new = load_catalog(RATES).version, write_version(tmp_path / "new", "0.07")
    await system.send_commands([record for customer in CUSTOMERS for record in opening(customer, 50_000_000)])
    await system.applied()
    _, published, _ = await run_metering(system, "rates", "publish", str(tmp_path / "new"), "--in", "60", "--json")
    moment_ms = published["active_from_ms"]
    await system.reached(partial(knows_of, victim, moment_ms), "the worker knows of the version to come")
    steps = range(-1_000, 1_000, 100)
    for number, step in enumerate(steps):
        texts = [text(customer, f"{customer}-{number}-{n}") for customer in CUSTOMERS for n in range(5)]
        await send_stamped(system, texts, moment_ms + step)
        if number == len(steps) // 2:
            system.kill(victim)
            system.start_worker()
    await system.settled(90)
    evidence = await prove(system)
    priced = [entry for entry in evidence.all_entries if "rates_version" in entry]
    assert len(priced) == len(steps) * 5 * len(CUSTOMERS)
    for entry in priced:
        expected = (new, NEW_MICROS) if entry["applied_at_ms"] >= moment_ms else (old, OLD_MICROS)
        assert expected == (entry["rates_version"], entry["price_micros"]), entry["id"]
    assert {old, new} == {entry["rates_version"] for entry in priced}


async def test_publishing_again_writes_nothing_and_what_is_wrong_is_refused(system: System, tmp_path: Path) -> None:
    version = write_version(tmp_path / "new", "0.07")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 300))
    arguments = ("rates", "publish", str(tmp_path / "new"), "--at", moment, "--json")
    written = [(await run_metering(system, *arguments))[1]["written"] for _ in range(2)]
    assert written == [True, False]

    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
    code, document, errors = await run_metering(system, "rates", "publish", str(RATES), "--at", soon, "--json")
    assert (code, document) == (1, None)
    assert "60 s" in errors

    deck = tmp_path / "new/decks/flat.csv"
    deck.write_text(deck.read_text().replace(",0.07,", ",0.07x,"))
    code, document, _ = await run_metering(system, "rates", "publish", str(tmp_path / "new"), "--json")
    assert (code, document["ok"], document["refused"]) == (1, False, "1 errors")
    problem = document["problems"][0]
    assert (problem["file"], problem["line"], problem["column"], problem["rule"]) == (
        "decks/flat.csv", 2, 26, "wrong_value",
    )  # fmt: skip

    write_version(tmp_path / "euro", "0.07")
    plan = tmp_path / "euro/plans/payg-usd.yaml"
    plan.write_text(plan.read_text().replace("unit: USD", "unit: EUR"))
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    code, document, _ = await run_metering(system, "rates", "publish", str(tmp_path / "euro"), "--at", later, "--json")
    assert (code, document["problems"][-1]["rule"]) == (1, "unit_changed")

    code, listed, _ = await run_metering(system, "rates", "list", "--json")
    assert (code, [(one["version"], one["state"]) for one in listed]) == (0, [(version, "to_come")])
    code, again, _ = await run_metering(system, "rates", "publish", version, "--at", later, "--json")
    assert (code, again["written"], again["version"]) == (0, True, version)
    code, _, _ = await run_metering(system, "rates", "fetch", version, "fetched")
    assert (code, load_catalog(system.directory / "fetched").version) == (0, version)


async def test_usage_of_the_books_is_priced_again_before_anything_is_in_force(system: System, tmp_path: Path) -> None:
    write_version(tmp_path / "new", "0.07")
    system.start_checkpointer()
    system.start_worker()
    await system.send_commands([*opening("acme", 5_000_000), *opening("bravo", 5_000_000)])
    await system.send(
        [
            text("acme", "sent", segments=2),
            text("acme", "failed"),
            text("bravo", "elsewhere", AMERICA),
            text("bravo", "refused", GERMANY),
            event("bravo", "call", "voice.started", to=SPAIN, charge_id="call"),
        ]
    )
    await system.send(
        [
            outcome("acme", "sent-1", "sent"),
            outcome("acme", "failed-1", "failed", "failed"),
            event("bravo", "call-1", "voice.ended", charge_id="call", seconds=60),
        ]
    )
    await system.settled()
    code, document, _ = await run_metering(
        system, "rates", "diff", str(RATES), str(tmp_path / "new"), "--usage", "1", "--json"
    )
    plans = len(load_catalog(RATES).plans)  # all of them price by the one row that changed
    assert (code, document["summary"]) == (0, {"added": 0, "removed": 0, "changed": plans})
    assert {change["old_price_micros"]: change["new_price_micros"] for change in document["changes"]} == {
        50_000: 70_000
    }
    usage = document["usage"]
    assert (usage["inputs"], usage["gone"], usage["unpriced"]) == (3, 0, 0)
    assert usage["totals"] == [
        {"unit": "USD", "old_micros": 170_000, "new_micros": 210_000, "difference_micros": 40_000}
    ]
    found = [(one["customer"], one["requests"], one["old_micros"], one["new_micros"]) for one in usage["customers"]]
    assert found == [("acme", 1, 100_000, 140_000), ("bravo", 2, 70_000, 70_000)]
    async with system.database.connection() as connection:
        debited = await connection.fetch(
            "SELECT customer, -sum(amount_micros)::bigint AS micros FROM entries"
            " WHERE event_id IS NOT NULL GROUP BY customer ORDER BY customer"
        )
    assert [(row["customer"], row["micros"]) for row in debited] == [("acme", 100_000), ("bravo", 70_000)]
