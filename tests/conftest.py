"""Fixtures of every test: the servers. Leaves data to the tests."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes, or its drawing, says how busy the machine is.
settings.register_profile("metering", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("metering")

# What tests check together says what it found, as they do themselves.
pytest.register_assert_rewrite("tests.end_to_end.verifier")

pytest_plugins = ["tests.stack.servers", "tests.stack.fresh"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many random steps the histories took (tests/ledger/test_history_random.py)."""
    passed = terminalreporter.stats.get("passed", [])
    told = [value for report in passed for name, value in report.user_properties if name == "random_steps"]
    if told:
        terminalreporter.write_line(f"random histories: {sum(steps for (steps,) in told)} steps in {len(told)} tests")
