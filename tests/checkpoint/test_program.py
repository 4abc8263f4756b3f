"""The checkpointer as a process that cannot start. Leaves how it runs to `test_service`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from metering.embedded.process import Command, Process

ROOT = Path(__file__).parents[2]


async def test_checkpointer_that_no_broker_answers_says_so_and_what_to_do(books_dsn: str, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "METERING_KAFKA__BOOTSTRAP": "127.0.0.1:1",
        "METERING_POSTGRES__DSN": books_dsn,
        "METERING_METRICS__PORT": "0",
    }
    command = Command([sys.executable, "-m", "metering.cli", "checkpointer"], environment, tmp_path)
    process = Process(command, tmp_path / "log")
    assert await process.wait(60)
    said = (tmp_path / "log").read_text()
    assert process.returncode == 1
    assert "Traceback" not in said
    assert "the broker at 127.0.0.1:1 does not answer" in said
    assert "METERING_KAFKA__BOOTSTRAP" in said
