"""`python -m tests.faults.soak --minutes 60 --seed 7`, which `make soak` runs. Leaves the run to `run`.

Exit 0 when all came out exact, soon enough and in bounded memory, else 1. The report goes to stdout and, with the
processes' logs, to --directory.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import logging
import random
import sys
from contextlib import redirect_stdout
from pathlib import Path

import msgspec

from metering.observe.logs import configure_logging
from tests.faults.soak.run import Soak

PER_SECOND = 100


def main() -> int:
    """Run one soak and report it."""
    parser = argparse.ArgumentParser(prog="soak", description="faults in a seeded order over a running stream")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long faults are injected")
    parser.add_argument("--seed", type=int, help="of the order of faults and of the traffic; a random one is printed")
    parser.add_argument("--per-second", type=int, default=PER_SECOND, help="events a second, more or less")
    parser.add_argument("--workers", type=int, default=2, help="of which one is never killed")
    parser.add_argument("--redis-away", type=float, metavar="SECONDS", help="how long Redis is stopped half-way")
    parser.add_argument("--directory", type=Path, default=Path("build/soak"), help="for logs and reports")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if arguments.seed is None else arguments.seed
    directory = arguments.directory.resolve() / f"seed-{seed}"
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.log"):
        old.unlink()
    configure_logging("info", "console")
    # What a broken connection is to its client is what is wanted here.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.stderr.write(f"seed {seed}\n")
    soak = Soak(
        directory,
        seed,
        minutes=arguments.minutes,
        per_second=arguments.per_second,
        workers=arguments.workers,
        away_seconds=arguments.redis_away,
    )
    with redirect_stdout(io.StringIO()):  # the system shows its logs at its end, and here they lie in the directory
        report = asyncio.run(soak.run())
    (directory / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    (directory / "report.txt").write_text(report.as_text() + "\n")
    sys.stdout.write(report.as_text() + "\n")
    return 0 if report.is_exact and not report.misses else 1


if __name__ == "__main__":
    sys.exit(main())
