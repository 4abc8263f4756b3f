"""`metering checkpoint`: the books again from the topic, and how far back they go. Leaves both to `checkpoint`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("checkpoint", help="build the books again, or ask how far back they go")
    actions = parser.add_subparsers(title="actions", metavar="rebuild | retention", required=True)
    rebuild = actions.add_parser(
        "rebuild", help="write the books from the ledger topic into an empty, migrated database"
    )
    rebuild.add_argument("--resume", action="store_true", help="go on with a rebuild that was interrupted")
    add_json(rebuild)
    rebuild.set_defaults(run=_rebuild)
    retention = actions.add_parser("retention", help="how far back the entries go, and what is put away")
    add_json(retention)
    retention.set_defaults(run=_retention)


def _rebuild(arguments: argparse.Namespace) -> int:
    """Exit 0 when the books stand at the topic's end, else 1. Interrupted, `--resume` goes on where it stopped."""
    from metering.checkpoint.database import Database
    from metering.checkpoint.rebuild import Rebuilt, rebuild
    from metering.checkpoint.schema import check_schema
    from metering.cli.checkpointer import make_options
    from metering.cli.kafka import count_buckets
    from metering.cli.ledger_reading import read_ledger
    from metering.cli.output import print_json
    from metering.cli.running import run_async
    from metering.settings import load_settings
    from metering.worker.collecting import settle_collector

    settings = load_settings()
    settle_collector()

    async def run() -> Rebuilt:
        await check_schema(settings.postgres.dsn)
        database = Database(settings.postgres.dsn)
        try:
            return await rebuild(
                database,
                lambda bucket, start: read_ledger(settings.kafka, bucket, start),
                await count_buckets(settings.kafka),
                make_options(settings).windows,
                resume=arguments.resume,
            )
        finally:
            await database.close()

    done = run_async(run())
    if arguments.json:
        print_json(done)
    else:
        print(f"{done.buckets:,} buckets, {done.records:,} records, {done.entries:,} entries written")
    return 0


def _retention(arguments: argparse.Namespace) -> int:
    """Exit 0. Changes nothing."""
    from metering.checkpoint.database import Database
    from metering.checkpoint.retention import RetentionStatus, read_status
    from metering.checkpoint.schema import check_schema
    from metering.cli.output import print_json
    from metering.cli.running import run_async
    from metering.cli.statements import format_time
    from metering.settings import load_settings

    settings = load_settings()

    async def run() -> RetentionStatus:
        await check_schema(settings.postgres.dsn)
        database = Database(settings.postgres.dsn)
        try:
            return await read_status(database, settings.checkpoint.retention_days)
        finally:
            await database.close()

    found = run_async(run())
    if arguments.json:
        print_json(found)
        return 0
    kept = "everything is kept" if found.retention_days is None else f"{found.retention_days:,} days are kept"
    due = len(found.days_due)
    print(f"{kept}; {found.days:,} days are there, the oldest {found.oldest_day}; past the retention: {due}")
    for cut in found.put_away:
        print(f"bucket {cut.bucket}: put away up to entry {cut.seq:,}, all before {format_time(cut.cut_ms)}")
    return 0
