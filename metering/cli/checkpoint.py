"""`metering checkpoint rebuild`: the books again from the ledger topic. Leaves writing them to `checkpoint`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("checkpoint", help="build the books again")
    actions = parser.add_subparsers(title="actions", metavar="rebuild", required=True)
    rebuild = actions.add_parser(
        "rebuild", help="write the books from the ledger topic into an empty, migrated database"
    )
    rebuild.add_argument("--resume", action="store_true", help="go on with a rebuild that was interrupted")
    add_json(rebuild)
    rebuild.set_defaults(run=_rebuild)


def _rebuild(arguments: argparse.Namespace) -> int:
    """Exit 0 when the books stand at the topic's end, else 1. Interrupted, `--resume` goes on where it stopped."""
    import asyncio

    from metering.checkpoint.database import Database
    from metering.checkpoint.rebuild import Rebuilt, rebuild
    from metering.checkpoint.schema import check_schema
    from metering.cli.checkpointer import make_options
    from metering.cli.kafka import count_buckets
    from metering.cli.ledger_reading import read_ledger
    from metering.cli.output import print_json
    from metering.settings import load_settings

    settings = load_settings()

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

    done = asyncio.run(run())
    if arguments.json:
        print_json(done)
    else:
        print(f"{done.buckets:,} buckets, {done.records:,} records, {done.entries:,} entries written")
    return 0
