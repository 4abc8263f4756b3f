"""`metering up` and a `metering demo` that is interrupted: what they start ends with them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from metering.settings import load_settings

pytestmark = pytest.mark.timeout(300)  # servers start and stop; seconds on an idle machine

METERING = [sys.executable, "-m", "metering.cli"]


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*METERING, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )


def read_document(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return "".join(lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_says_where_it_is_and_ends_in_order(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start(tmp_path, "up", "--json", "--partitions", "2", "--dir", str(tmp_path / "stack")) as process:
        try:
            document = json.loads(read_document(process))
            children = psutil.Process(process.pid).children(recursive=True)
            environment = document["environment"]
            assert document["ready"] is True
            checked = subprocess.run(
                [*METERING, "topics", "check"], env={**os.environ, **environment}, cwd=tmp_path, check=False
            )
            assert checked.returncode == 0
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            assert load_settings().kafka.partitions == 2
            process.send_signal(number)
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert not (tmp_path / "stack" / "stack.env").exists()


def test_interrupted_demo_exits_with_one_and_leaves_nothing(tmp_path: Path) -> None:
    with start(tmp_path, "demo", "--events", "1000000") as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("opening"):
                    break
            children = psutil.Process(process.pid).children(recursive=True)
            assert len(children) >= 5
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 1
            rest = process.stderr.read()
            assert "metering: interrupted" in rest
            assert "Traceback" not in rest
        finally:
            process.kill()
    assert psutil.wait_procs(children, timeout=60)[1] == []
