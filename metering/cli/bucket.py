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
    which = resume.add_mutually_exclusive_group(required=True)
    which.add_argument("bucket", type=_parse_bucket, metavar="N", nargs="?")
    which.add_argument("--all", action="store_true", help="all that are stopped")
    resume.add_argument(
        "--accept-missing", action="store_true", help="go on without records that were deleted before they were read"
    )
    resume.add_argument("--actor", help="who decides that, as it stands in the dead letter that is left")
    resume.add_argument("--why", help="why, in your words")
    resume.set_defaults(run=_resume)


def _status(arguments: argparse.Namespace) -> int:
    """Exit 1 when any bucket is stopped."""
    from metering.cli.buckets import describe_buckets, read_buckets
    from metering.cli.output import print_json
    from metering.cli.running import run_async
    from metering.settings import load_settings

    buckets = run_async(read_buckets(load_settings()))
    if arguments.json:
        print_json({"buckets": buckets})
    else:
        print(describe_buckets(buckets))
    return 1 if any(bucket.stopped for bucket in buckets) else 0


def _resume(arguments: argparse.Namespace) -> int:
    """Exit 1 when the bucket was not stopped. Interrupted, some of `--all` go on: say it again."""
    from metering.cli.buckets import resume_buckets
    from metering.cli.output import fail
    from metering.cli.running import run_async
    from metering.settings import load_settings

    if arguments.accept_missing:
        return _accept_missing(arguments)
    resumed = run_async(resume_buckets(load_settings(), None if arguments.all else [arguments.bucket]))
    if not resumed:
        fail("no bucket is stopped" if arguments.all else f"bucket {arguments.bucket} is not stopped")
        return 1
    for bucket in resumed:
        print(f"bucket {bucket} goes on: its worker claims it anew within a second")
    return 0


def _accept_missing(arguments: argparse.Namespace) -> int:
    from metering.cli.buckets import accept_missing_records
    from metering.cli.output import fail
    from metering.cli.running import run_async
    from metering.settings import load_settings

    if arguments.all or not (arguments.actor and arguments.why):
        fail("--accept-missing needs one bucket, --actor and --why")
        return 2
    missing = run_async(accept_missing_records(load_settings(), arguments.bucket, arguments.actor, arguments.why))
    for one in missing:
        print(f"bucket {arguments.bucket} goes on without {one.topic} {one.first} to {one.next - 1}")
    if not missing:
        fail(f"bucket {arguments.bucket} misses nothing")
    return 0 if missing else 1


def _parse_bucket(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a bucket's number")
    return int(text)
