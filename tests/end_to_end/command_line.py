"""Commands of `metering` on the system of a test. Leaves what they print to the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests.end_to_end.system import System


def run(system: System, *arguments: str, expected: int = 0, **variables: str) -> Any:
    """Run one command with `--json` and return what it printed. `variables` replace settings."""
    printed = run_plain(system, *arguments, "--json", expected=expected, **variables)
    return json.loads(printed) if printed else None


def run_plain(system: System, *arguments: str, expected: int = 0, **variables: str) -> str:
    """Run one command and return what it printed."""
    settings = {**system.settings.to_environment(), **variables}
    environment = {**os.environ, "HOME": str(system.directory), **settings}
    command = [sys.executable, "-m", "metering.cli", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout
