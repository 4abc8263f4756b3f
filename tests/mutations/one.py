"""One mutation in a process of its own: `python -m tests.mutations.one NAME`. Exit 1: it was noticed, 0: it survived.

Leaves the table to `__main__`.
"""

from __future__ import annotations

import sys

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation
from tests.mutations.patching import take_out

SEEDS_MAX = 3_000
"""Schedules that ask for the check; most are noticed within a hundred."""


def main(name: str) -> int:
    """Run it; the last line on stdout says by what it was noticed."""
    mutation = MUTATIONS[name]
    take_out(mutation)
    found = _by_tests(mutation) if mutation.tests else _by_simulation(mutation)
    sys.stdout.write(f"{found or 'not noticed'}\n")
    return 1 if found else 0


def _by_tests(mutation: Mutation) -> str | None:
    import pytest  # noqa: PLC0415  after the check was taken out

    failed: list[str] = []

    class Reports:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                # A server that does not start is no sign of a check that is missed.
                if report.when != "call":
                    raise RuntimeError(f"{report.nodeid} could not be run: {report.longreprtext[-300:]}")
                failed.append(report.nodeid)

    # In this process: in others the check would be in place.
    options = ["-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-n0", "-m", "not kafka"]
    answer = pytest.main([*options, *mutation.tests], plugins=[Reports()])
    if answer not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        raise RuntimeError(f"the tests of {mutation.name} could not be run: {answer!r}")
    return f"by {failed[0]}" if failed else None


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
