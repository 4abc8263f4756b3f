"""Fixtures of every test: the servers. Leaves data to the tests."""

from __future__ import annotations

pytest_plugins = ["tests.stack.servers", "tests.stack.fresh"]
