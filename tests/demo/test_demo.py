"""The demo end to end, kept up, and every command of the program tried on what it left running."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from metering.cli.demonstration.fall import CUSTOMER, EXPECTED, SECOND_MICROS, SENDER
from metering.cli.demonstration.traffic import generate

pytestmark = pytest.mark.timeout(600)  # the whole system starts, works and stops; seconds on an idle machine

EVENTS = 3_000
METERING = [sys.executable, "-m", "metering.cli"]


class Demo:
    """A demo that stays up."""

    def __init__(self, process: subprocess.Popen[str], document: dict[str, Any]) -> None:
        self.process = process
        self.document = document
        self.environment = {**os.environ, **document["environment"]}
        self.children = psutil.Process(process.pid).children(recursive=True)

    def run(self, line: str, *, expected: int = 0, text: str = "") -> str:
        """Run a command against it; return its stdout."""
        done = subprocess.run(
            [*METERING, *line.split()],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=tempfile.gettempdir(),
        )
        assert expected == done.returncode, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def read(self, line: str) -> Any:
        """Run a command that prints JSON; return it."""
        return json.loads(self.run(line))


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    command = [*METERING, "demo", "--json", "--keep", "--events", str(EVENTS), "--customers", "30"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tempfile.gettempdir()
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            document = ""
            for line in process.stdout:
                document += line
                if line == "}\n":  # one document over several lines; the process goes on
                    break
            assert document, process.stderr.read()
            yield Demo(process, json.loads(document))
        finally:
            process.kill()


def test_demo_finds_nothing_wrong(demo: Demo) -> None:
    assert demo.document["problems"] == []
    assert demo.document["kept"]["usage"] == demo.document["run"]["published"] > EVENTS
    assert demo.document["kept"]["commands"] == 2 * 30 + 4
    assert demo.document["reconciliation"]["drift"] == 0
    assert [alert["type"] for alert in demo.document["run"]["fall"]["alerts"]] == list(EXPECTED)
    assert demo.document["spend"][0]["amount_micros"] > 0


def test_balance_tells_the_live_figures(demo: Demo) -> None:
    view = demo.read(f"balance --customer {CUSTOMER} --json")
    (wallet,) = view["wallets"]
    assert 0 < wallet["available_micros"] < SECOND_MICROS + 1_000_000
    assert wallet["available_micros"] + wallet["held_micros"] == sum(lot["remaining_micros"] for lot in wallet["lots"])
    assert (view["plan"], view["blocks"], wallet["overdrawn_micros"]) == ("payg-usd", [], 0)
    assert demo.read(f"balance --customer {CUSTOMER} --wallet main --json")["wallets"] == [wallet]
    assert CUSTOMER in demo.run(f"balance --customer {CUSTOMER}")


def test_unknown_customer_or_wallet_exits_with_one(demo: Demo) -> None:
    assert demo.run("balance --customer nobody", expected=1) == ""
    assert demo.run(f"balance --customer {CUSTOMER} --wallet none", expected=1) == ""
    assert demo.run("statement --customer nobody", expected=1) == ""
    assert demo.run(f"statement --customer {CUSTOMER} --wallet none", expected=1) == ""


def test_statement_says_the_same_in_all_formats(demo: Demo) -> None:
    lines = demo.read(f"statement --customer {CUSTOMER} --format json")["lines"]
    rows = list(csv.DictReader(io.StringIO(demo.run(f"statement --customer {CUSTOMER} --wallet main --format csv"))))
    text = demo.run(f"statement --customer {CUSTOMER}").splitlines()
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert len(text) == len(lines) + 2
    balance = 0
    for line in lines:
        balance += line["amount_micros"]
        assert balance == line["balance_micros"]
    assert float(rows[-1]["balance"]) == pytest.approx(balance / 1_000_000)


def test_statement_of_a_period_has_only_its_lines(demo: Demo) -> None:
    assert demo.read(f"statement --customer {CUSTOMER} --to 2020-01-01 --format json")["lines"] == []
    assert demo.read(f"statement --customer {CUSTOMER} --from 2100-01-01 --format json")["lines"] == []


def test_topics_and_schema_are_as_they_should_be(demo: Demo) -> None:
    assert demo.read("topics check --json") == {"ok": True, "problems": []}
    assert demo.read("topics create --json") == {"ok": True, "problems": []}
    demo.run("migrate")


def test_commands_are_answered_and_refusals_exit_with_one(demo: Demo) -> None:
    block = {"type": "block_sender", "id": "t-1", "customer": CUSTOMER, "actor": "test", "sender": SENDER}
    (answer,) = map(json.loads, demo.run("command -", text=json.dumps(block)).splitlines())
    assert (answer["id"], answer["outcome"]) == ("t-1", "done")
    assert [b["id"] for b in demo.read(f"balance --customer {CUSTOMER} --json")["blocks"]] == [SENDER]
    again = json.loads(demo.run("command -", text=json.dumps(block)))
    assert (again["outcome"], again["duplicate"], again["entry"]) == ("done", True, answer["entry"])
    refused = json.loads(demo.run("command -", expected=1, text=json.dumps(block | {"id": "t-2"})))
    assert (refused["outcome"], refused["reason"]) == ("refused", "already")
    unblock = block | {"type": "unblock_sender", "id": "t-3"}
    demo.run("command -", text=json.dumps(unblock))
    assert demo.read(f"balance --customer {CUSTOMER} --json")["blocks"] == []


def wait_until_settled(demo: Demo) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 180
    buckets: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        buckets = demo.read("bucket status --json")["buckets"]
        if all(bucket["lag"] == {"usage": 0, "commands": 0} and not bucket["outbox_chunks"] for bucket in buckets):
            return buckets
        time.sleep(0.2)
    raise AssertionError(buckets)


def test_same_file_twice_changes_no_balance(demo: Demo, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    ends_at_ms = time.time_ns() // 1_000_000
    lines = [line.replace(b"/demo/gateway", b"/again") for line in generate(9, 500, 30, ends_at_ms)]
    events.write_bytes(b"\n".join(lines) + b"\n")
    balances = []
    for _ in range(2):
        assert demo.run(f"send --file {events}").startswith("500 of 500 lines published")
        wait_until_settled(demo)
        balances.append(demo.read("balance --customer demo-0000 --json")["wallets"])
    assert balances[0] == balances[1]


def test_bucket_status_tells_of_every_bucket(demo: Demo) -> None:
    buckets = wait_until_settled(demo)
    assert [bucket["bucket"] for bucket in buckets] == [0, 1, 2, 3]
    assert all(bucket["loaded"] and bucket["stopped"] is None for bucket in buckets)
    assert sum(bucket["position"]["usage"] for bucket in buckets) >= EVENTS
    assert len(demo.run("bucket status").splitlines()) == 5
    demo.run("bucket resume 0", expected=1)


def test_reconcile_says_drift_zero(demo: Demo) -> None:
    wait_until_settled(demo)
    found = demo.read("reconcile --json")
    assert (found["drift"], found["behind"], found["wallets"]) == (0, 0, 31)
    assert demo.run("reconcile").startswith("31 wallets, ")


def test_ledger_is_whole_in_books_and_topic(demo: Demo) -> None:
    buckets = wait_until_settled(demo)
    found = demo.read("ledger verify --topic --json")
    entries = sum(bucket["seq"] for bucket in buckets)
    assert (found["faults"], found["entries"], found["records"], found["wallets"]) == (0, entries, entries, 31)
    assert demo.run("ledger verify").startswith("4 buckets, 31 wallets, ")


def test_replay_gives_every_entry_again(demo: Demo) -> None:
    buckets = wait_until_settled(demo)
    report = demo.read("replay --json")
    assert report["differing"] == 0
    assert report["entries"] == sum(bucket["seq"] for bucket in buckets)


def test_interrupt_ends_everything_that_was_started(demo: Demo) -> None:
    """The last: there is nothing afterwards."""
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert [child for child in psutil.wait_procs(demo.children, timeout=60)[1] if child.is_running()] == []
