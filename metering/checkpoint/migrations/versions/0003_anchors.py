"""What the books keep of entries that are put away."""

from __future__ import annotations

from metering.checkpoint.schema import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    run_script("0003_anchors.sql")
