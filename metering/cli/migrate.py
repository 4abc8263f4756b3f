"""`metering migrate`: the Postgres schema to its newest version. Leaves the schema to `checkpoint`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("migrate", help="bring the Postgres schema to its newest version")
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    from metering.checkpoint.migrate import migrate
    from metering.settings import load_settings

    migrate(load_settings().postgres.dsn)
    print("the schema is up to date")
    return 0
