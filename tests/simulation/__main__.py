"""Runs many schedules: `python -m tests.simulation [--seeds N] [--from SEED] [--minutes M]`. Exit 1 where one fails."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.schedule import draw
from tests.simulation.shrink import failure_of, shrink, told


def main() -> int:
    """Run them; print what fails, shortened, and how fast it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2_000, help="how many schedules")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--minutes", type=float, help="stop after so long, whatever is left")
    parser.add_argument("--show", action="store_true", help="print the schedule of the first seed and run nothing")
    options = parser.parse_args()
    if options.show:
        sys.stdout.write(f"{told(draw(options.first))}\n")
        return 0
    started, failed, done = time.monotonic(), 0, 0
    for seed in range(options.first, options.first + options.seeds):
        if options.minutes and time.monotonic() - started > options.minutes * 60:
            break
        done += 1
        schedule = draw(seed)
        problem = failure_of(schedule)
        if problem is not None:
            failed += 1
            shorter = shrink(schedule)
            sys.stdout.write(f"seed {seed} FAILS: {problem}\nshortened: {failure_of(shorter)}\n{told(shorter)}\n\n")
            sys.stdout.flush()
    seconds = time.monotonic() - started
    rate = done / seconds * 60
    sys.stdout.write(f"{done:,} schedules in {seconds:.0f} s ({rate:,.0f} a minute), {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
