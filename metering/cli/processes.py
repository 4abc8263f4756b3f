"""`metering worker` and `metering checkpointer`, the long-running processes. Leaves the work to their capabilities."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands


def register(commands: Commands) -> None:
    """Add the two commands."""
    worker = commands.add_parser(
        "worker", help="meter the buckets that the group assigns to this process; SIGTERM ends it"
    )
    worker.set_defaults(run=_run_worker)
    checkpointer = commands.add_parser("checkpointer", help="keep Postgres up to date with the ledger; SIGTERM ends it")
    checkpointer.set_defaults(run=_run_checkpointer)


def _run_worker(_: argparse.Namespace) -> int:
    from metering.observe.logs import configure_logging
    from metering.settings import load_settings
    from metering.worker.app import run_worker

    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format)
    return run_worker(settings)


def _run_checkpointer(_: argparse.Namespace) -> int:
    from metering.cli.checkpointer import run_checkpointer
    from metering.observe.logs import configure_logging
    from metering.settings import load_settings

    settings = load_settings()
    configure_logging(settings.log.level, settings.log.format)
    return run_checkpointer(settings)
