"""`metering demo`: the main job, shown to a person. Leaves the showing to `demonstration`."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json, parse_count


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="show the main job on made-up traffic, and check that every sum is right")
    parser.add_argument("--keep", action="store_true", help="stay up afterwards and print where everything is")
    parser.add_argument("--events", type=parse_count, default=100_000, metavar="N", help="usage events (100000)")
    parser.add_argument("--customers", type=parse_count, default=300, metavar="N", help="customers (300)")
    parser.add_argument("--broker", choices=("tansu", "apache"), default="tansu", help="see `metering up`")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when everything is as it must be, else 1. Interrupted, servers and processes end with it."""
    from msgspec import to_builtins

    from metering.cli.demonstration.report import describe, describe_endpoints
    from metering.cli.demonstration.run import Plan, show
    from metering.cli.output import fail, note, print_json
    from metering.cli.running import run_async
    from metering.settings import load_settings

    plan = Plan(events=arguments.events, customers=arguments.customers, broker=arguments.broker)

    async def run() -> int:
        async with show(plan, load_settings()) as shown:
            if arguments.json:
                print_json({**to_builtins(shown.summary), "environment": shown.environment if arguments.keep else None})
            else:
                print(describe(shown.summary), flush=True)
            for problem in shown.summary.problems:
                fail(problem)
            if arguments.keep:
                note(describe_endpoints(shown))
                await shown.stack.wait_until_told_to_stop()
            return 1 if shown.summary.problems else 0

    return run_async(run())
