"""The books: positions, entries by day, denials, and what they add up to."""

from __future__ import annotations

from metering.checkpoint.schema import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    run_script("0001_books.sql")
    run_script("0001_views.sql")
