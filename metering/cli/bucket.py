"""`metering bucket status` and `resume`: where each bucket stands, and a stopped one let go on."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json


def register(commands: Commands) -> None:
    """Add both."""
    parser = commands.add_parser("bucket", help="look at buckets, or let a stopped one go on")
    actions = parser.add_subparsers(title="actions", metavar="status|resume", required=True)
    status = actions.add_parser("status", help="position, seq, owner, lag, and why a bucket is stopped")
    add_json(status)
    status.set_defaults(run=_status)
    resume = actions.add_parser("resume", help="let a stopped bucket go on, once the cause is gone")
    resume.add_argument("bucket", type=_parse_bucket, metavar="N")
    resume.set_defaults(run=_resume)


def _status(arguments: argparse.Namespace) -> int:
    """Exit 1 when any bucket is stopped."""
    import asyncio

    from metering.cli.buckets import describe_buckets, read_buckets
    from metering.cli.output import print_json
    from metering.settings import load_settings

    buckets = asyncio.run(read_buckets(load_settings()))
    if arguments.json:
        print_json({"buckets": buckets})
    else:
        print(describe_buckets(buckets))
    return 1 if any(bucket.stopped for bucket in buckets) else 0


def _resume(arguments: argparse.Namespace) -> int:
    """Exit 1 when the bucket was not stopped."""
    import asyncio

    from metering.cli.output import fail
    from metering.ledger.connection import connect_redis
    from metering.ledger.standstill import end_standstill
    from metering.settings import load_settings

    async def run() -> bool:
        async with connect_redis(load_settings().redis.url) as redis:
            return await end_standstill(redis, arguments.bucket)

    if not asyncio.run(run()):
        fail(f"bucket {arguments.bucket} is not stopped")
        return 1
    print(f"bucket {arguments.bucket} goes on: its worker claims it anew within a second")
    return 0


def _parse_bucket(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a bucket's number")
    return int(text)
