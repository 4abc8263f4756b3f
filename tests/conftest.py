"""Fixtures of every test: the servers. Leaves data to the tests."""

from __future__ import annotations

import pytest

# What tests check together says what it found, as they do themselves.
pytest.register_assert_rewrite("tests.end_to_end.verifier")

pytest_plugins = ["tests.stack.servers", "tests.stack.fresh"]
