"""The days of the entries and denials: how their partitions are made."""

from __future__ import annotations

from metering.checkpoint.schema import run_script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Put the newest function in the place of any before it."""
    run_script("0002_days.sql")
