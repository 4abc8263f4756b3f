"""`metering up`: the three servers in the foreground. Leaves what runs on them to other commands."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json, parse_count

BROKERS = ("tansu", "apache")


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("up", help="start Valkey, Postgres and a broker, empty, until Ctrl-C")
    parser.add_argument("--dir", metavar="DIR", help="where logs and stack.env go while it is up")
    parser.add_argument("--partitions", type=parse_count, metavar="N", help="buckets; METERING_KAFKA__PARTITIONS else")
    parser.add_argument(
        "--broker", choices=BROKERS, default="tansu", help="tansu comes with the program; apache needs Java and Maven"
    )
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Start the servers, make topics and schema, say where they are; stop them in order at Ctrl-C or SIGTERM."""
    from pathlib import Path
    from shlex import quote

    from metering.cli.installation import prepare
    from metering.cli.output import note, print_json
    from metering.cli.running import run_async
    from metering.embedded.stack import Stack
    from metering.settings import load_settings

    given = load_settings()

    async def run() -> None:
        async with Stack(arguments.broker, Path(arguments.dir) if arguments.dir else None) as stack:
            settings = await prepare(stack, given, arguments.partitions)
            variables = stack.settings() | {"METERING_KAFKA__PARTITIONS": str(settings.kafka.partitions)}
            if arguments.json:
                print_json({"ready": True, "broker": arguments.broker, "environment": variables})
            else:
                print("\n".join(f"export {name}={quote(value)}" for name, value in variables.items()), flush=True)
                note("ready; Ctrl-C stops it")
            await stack.wait_until_told_to_stop()

    run_async(run())
    return 0
