"""Marks for a test that runs on one of the brokers only. Leaves starting them to `servers`."""

from __future__ import annotations

import pytest

ON_TANSU = pytest.mark.parametrize("broker", ["tansu"], indirect=True, scope="session")
ON_APACHE = pytest.mark.parametrize(
    "broker", [pytest.param("apache", marks=pytest.mark.kafka)], indirect=True, scope="session"
)
