"""`metering replay`: the input topics again, into an empty Redis. Leaves replaying to the worker."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("replay", help="prove that the inputs give the same entries again, byte for byte")
    parser.add_argument(
        "--redis", metavar="URL", help="an empty Redis that may be written to; a throw-away Valkey when left out"
    )
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when every entry came out the same, else 1. Interrupted, nothing is changed but the scratch Redis."""
    from contextlib import AsyncExitStack

    from metering.cli.output import print_json
    from metering.cli.running import run_async
    from metering.embedded.valkey import ValkeyServer
    from metering.ledger.connection import connect_redis
    from metering.settings import load_settings
    from metering.worker.replay import ReplayReport, replay

    async def run() -> ReplayReport:
        async with AsyncExitStack() as stack:
            url = arguments.redis or (await stack.enter_async_context(ValkeyServer())).url
            redis = await stack.enter_async_context(connect_redis(url))
            return await replay(load_settings(), redis)

    report = run_async(run())
    if arguments.json:
        print_json(report)
    else:
        for difference in report.differences:
            print(f"{difference.id}\n  was {difference.expected}\n  now {difference.found or 'nothing'}")
        print(
            f"{report.buckets} buckets, {report.inputs:,} inputs, {report.entries:,} entries:"
            f" {report.differing or 'none'} came out otherwise"
        )
    return 1 if report.differing else 0
