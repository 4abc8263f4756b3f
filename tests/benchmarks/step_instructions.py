"""Instructions that each of the worker's steps takes for an event, counted by valgrind: the same on a busy machine.

    python -m tests.benchmarks.step_instructions [EVENTS] [--compiled | --no-compiled]

Needs `valgrind` (callgrind) on the path. Steps, mixes and records are those of `tests.benchmarks.worker`; each step is
counted when it runs for the second time. Redis runs beside it and is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from redis.asyncio import Redis

from metering import native
from metering.embedded.valkey import ValkeyServer
from tests.benchmarks.instructions import control
from tests.benchmarks.recorded import MIXES
from tests.benchmarks.worker import make_steps

ANSWER_SECONDS_MAX = 600.0
"""Under valgrind this process takes fifty times as long as Redis expects of anybody."""


async def count(events: int) -> None:
    """Run the steps of all mixes under callgrind; what each takes is dumped under the names of mix and step."""
    with tempfile.TemporaryDirectory() as directory:
        async with (
            ValkeyServer(Path(directory)) as server,
            Redis.from_url(server.url, socket_timeout=ANSWER_SECONDS_MAX) as redis,
        ):
            for mix in MIXES:
                steps = await make_steps(redis, mix, events)
                for step in steps.values():
                    step()
                for name, step in steps.items():
                    gc.collect()
                    control(os.getpid(), "--instr=on")
                    step()
                    control(os.getpid(), "--instr=off")
                    control(os.getpid(), f"--dump={mix}: {name}".replace(" ", "_"))


def tell(directory: Path, events: int) -> None:
    """Print what was dumped into a directory."""
    for path in sorted(directory.glob("out.*"), key=lambda path: int(path.suffix[1:])):
        text = path.read_text(errors="replace")
        named = re.search(r"^desc: Trigger: dump (.*)$", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)$", text, re.MULTILINE)
        if named and total:
            sys.stdout.write(f"{named[1].replace('_', ' '):58} {int(total[1]) / events:9,.0f} instructions an event\n")


def main(events: int, *, compiled: bool) -> None:
    """Run this module once more under callgrind, and tell what it has counted."""
    switch = "--compiled" if compiled else "--no-compiled"
    module = (sys.executable, "-m", "tests.benchmarks.step_instructions", str(events), switch, "--counted")
    with tempfile.TemporaryDirectory() as directory:
        out = f"--callgrind-out-file={directory}/out"
        # Names are hashed the same each time, or tables of them would take more in one run than in another.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        watcher = ("valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", out)
        subprocess.run([*watcher, *module], check=True, env=environment)
        tell(Path(directory), events)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=2_000)
    parser.add_argument("--compiled", action=argparse.BooleanOptionalAction, default=native.in_use)
    parser.add_argument("--counted", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.counted:
        with native.forced(is_on=given.compiled):
            asyncio.run(count(given.events))
    else:
        main(given.events, compiled=given.compiled)
