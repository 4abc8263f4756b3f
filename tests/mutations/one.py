"""One mutation in a process of its own: `python -m tests.mutations.one NAME`. Exit 1: it was noticed, 0: it survived.

Leaves the table to `__main__`.
"""

from __future__ import annotations

import sys

from tests.mutations.catalogue import MUTATIONS, Mutation
from tests.mutations.patching import take_out

SEEDS_MAX = 3_000
"""Schedules that ask for the check; most are noticed within a hundred."""


def main(name: str) -> int:
    """Run it; the last line on stdout says by what it was noticed."""
    mutation = MUTATIONS[name]
    take_out(mutation)
    found = _by_simulation(mutation)
    sys.stdout.write(f"{found or 'not noticed'}\n")
    return 1 if found else 0


def _by_simulation(mutation: Mutation) -> str | None:
    from tests.simulation.schedule import draw  # noqa: PLC0415  after the check was taken out
    from tests.simulation.shrink import failure_of  # noqa: PLC0415

    tried = seed = 0
    while tried < SEEDS_MAX:
        schedule = draw(seed)
        if mutation.asks(schedule):
            tried += 1
            problem = failure_of(schedule)
            if problem is not None:
                return f"by schedule {tried} (seed {seed}): {problem.splitlines()[0][:110]}"
        seed += 1
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
