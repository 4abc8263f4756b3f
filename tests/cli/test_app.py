"""The command line as a whole: fixed forms, exit codes, quick start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metering.cli.app import DONE, FAILED, WRONG_USAGE, build_parser, run
from tests.rating.decks import sms, write_rates

NOBODY = {"METERING_KAFKA__BOOTSTRAP": "127.0.0.1:1", "METERING_REDIS__URL": "redis://127.0.0.1:1/0"}


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "up --dir D --partitions 4 --broker apache --json",
        "worker",
        "checkpointer",
        "topics create",
        "topics check",
        "migrate",
        "send --file F",
        "send",
        "command F",
        "command -",
        "balance --customer C --wallet W --json",
        "statement --customer C --wallet W --from 2026-03-01 --to 2026-04-01T00:00Z --format csv",
        "estimate --jsonl",
        "reconcile --json",
        "rates check",
        "rates check PATH",
        "rates publish",
        "rates publish PATH --at 2026-03-01T12:00Z --strict 3 --moved 20 --json",
        "rates publish PATH --in 60 --strict",
        "rates list --json",
        "rates fetch published DIR",
        "rates explain --plan P --to +34600000001 --to +34600000002 --text T --channel sms --at 2026-03-01 --json",
        "rates explain --plan P --to +34600000001 --segments 2 --rates published",
        "rates diff OLD NEW --json",
        "rates diff published NEW --usage 24 --at 2026-03-01",
        "estimate --jsonl --rates published",
        "replay --json",
        "bucket status",
        "customer set-mode shared_pool --customer C --actor A --reason R",
        "bucket resume 7",
        "demo --keep --events 1000 --broker tansu",
    ],
)
def test_fixed_form_is_understood(line: str) -> None:
    assert callable(build_parser().parse_args(line.split()).run)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "fly",
        "balance",
        "bucket resume",
        "customer set-mode anyhow --customer C --actor A",
        "customer set-mode per_user --customer C",
        "bucket resume -1",
        "bucket resume x",
        "up --partitions 0",
        "rates",
        "rates explain --plan P",
        "rates diff OLD",
        "rates publish PATH --at 2026-03-01 --in 60",
        "rates publish PATH --in 0",
        "up --broker redpanda",
        "command",
        "command - --timeout 0",
        "estimate",
        "statement",
        "statement --customer C --from yesterday",
        "statement --customer C --format pdf",
        "demo --events none",
    ],
)
def test_wrong_arguments_exit_with_two(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(line.split())
    assert caught.value.code == WRONG_USAGE
    assert "usage: metering" in capsys.readouterr().err


def test_wrong_setting_exits_with_two_and_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METERING_KAFKA__PARTITIONS", "many")
    assert run(["topics", "check"]) == WRONG_USAGE
    assert "METERING_KAFKA__PARTITIONS" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["topics check", "send", "bucket status", "balance --customer C"])
def test_no_broker_exits_with_one_and_says_where_it_looked(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)
    assert run(line.split()) == FAILED
    output = capsys.readouterr()
    assert output.out == ""
    assert "127.0.0.1:1" in output.err
    assert "Traceback" not in output.err


def test_missing_file_exits_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["command", "no-such-file"]) == FAILED
    assert "no-such-file: No such file or directory" in capsys.readouterr().err


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == DONE
    assert capsys.readouterr().out.strip() == "0.1.0"


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom metering.cli.app import build_parser\nbuild_parser().format_help()\n"
        "print([m for m in ('aiohttp', 'aiokafka', 'asyncpg', 'faust', 'msgspec', 'pydantic', 'redis', 'asyncio')"
        " if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert output.stdout.strip() == "[]"


def test_reader_that_has_had_enough_is_no_error_on_stderr() -> None:
    script = "import sys\nfrom metering.cli.app import run\nsys.exit(run(['rates', 'check', '--json']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == FAILED


def test_shipped_rates_have_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rates", "check", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_broken_rates_exit_with_one_and_name_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plans = tmp_path / "plans"
    plans.mkdir()
    (plans / "p.yaml").write_text("id: p\nunit: USD\ndecks:\n  - { file: decks/missing.csv }\n")
    assert run(["rates", "check", str(tmp_path)]) == FAILED
    assert "plans/p.yaml:" in capsys.readouterr().out


def test_rates_that_are_not_there_exit_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rates", "check", "nowhere"]) == FAILED
    assert "nowhere" in capsys.readouterr().err


def test_estimates_come_one_a_line_in_order() -> None:
    requests = [
        {"plan": "payg-usd", "channel": "sms", "to": "+34600000001", "text": "hola"},
        {"plan": "no-such-plan", "channel": "sms", "to": "+34600000001", "text": "hola"},
        {"plan": "payg-usd", "channel": "sms", "to": ["+34600000001", "+14155550100"], "segments": 2},
    ]
    lines = "\n".join([json.dumps(request) for request in requests] + ["{broken", ""])
    output = subprocess.run(
        [sys.executable, "-m", "metering.cli", "estimate", "--jsonl"],
        input=lines,
        capture_output=True,
        check=True,
        text=True,
    )
    first, second, third, fourth = [json.loads(line) for line in output.stdout.splitlines()]
    assert (first["encoding"], first["segments"], first["unit"], first["error"]) == ("gsm7", 1, "USD", None)
    assert first["amount_micros"] > 0
    assert second["error"]["code"] == "unknown_plan"
    assert {line["to"] for line in third["lines"]} == {"+34600000001", "+14155550100"}
    assert fourth["error"]["code"] == "invalid_request"


def test_price_is_explained_in_words_and_as_the_estimate(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["rates", "explain", "--plan", "rollover-credits", "--to", "+14155552671", "--text", "x" * 161]
    assert run(line) == DONE
    words = capsys.readouterr().out
    assert "rate: 1 per segment x 2 segments = 2 credit" in words
    assert "total: 2 credit" in words
    assert run([*line, "--at", "2026-06-01T12:00Z", "--json"]) == DONE
    answer = json.loads(capsys.readouterr().out)
    assert (answer["plan"], answer["amount_micros"], answer["at_ms"]) == (
        "rollover-credits",
        2_000_000,
        1_780_315_200_000,
    )
    assert answer["rates_version"] in words


def test_destination_without_a_price_is_explained_and_exits_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["rates", "explain", "--plan", "payg-usd", "--to", "+979123456789", "--segments", "1"]
    assert run(line) == FAILED
    assert "refused: unrated (001)" in capsys.readouterr().out
    assert run([*line, "--json"]) == FAILED
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "unrated"
    assert run(["rates", "explain", "--plan", "gold", "--to", "+34600000001"]) == FAILED
    assert "payg-usd" in capsys.readouterr().err


def test_what_changes_is_listed_by_destination(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write_rates(tmp_path / "old", [sms("1", "0.01"), sms("44", "0.04")])
    new = write_rates(tmp_path / "new", [sms("1", "0.02"), sms("33", "0.03")])
    assert run(["rates", "diff", str(old), str(new)]) == DONE
    words = capsys.readouterr().out
    assert "test: sms outbound +1 (): 0.01 per segment -> 0.02 per segment" in words
    assert "1 added, 1 removed, 1 changed" in words
    assert run(["rates", "diff", str(old), str(new), "--json"]) == DONE
    document = json.loads(capsys.readouterr().out)
    assert document["summary"] == {"added": 1, "removed": 1, "changed": 1}
    changes = {
        change["prefix"]: (change["kind"], change["old_price_micros"], change["new_price_micros"])
        for change in document["changes"]
    }
    assert changes == {
        "+1": ("changed", 10_000, 20_000),
        "+33": ("added", None, 30_000),
        "+44": ("removed", 40_000, None),
    }
    assert run(["rates", "diff", str(old), "nowhere"]) == FAILED
    assert "nowhere" in capsys.readouterr().err
