"""What a restore reads by bucket."""

from __future__ import annotations

from metering.checkpoint.schema import run_script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the indexes."""
    run_script("0004_restore_indexes.sql")
