"""`metering send`: publish usage events. Leaves what they mean to the worker, which answers each."""

from __future__ import annotations

import argparse

from metering.cli.parsing import Commands, add_json

PROBLEMS_SHOWN_MAX = 20


def register(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("send", help="publish usage events, one JSON document a line")
    parser.add_argument("--file", default="-", metavar="F", help="the lines; - or nothing for stdin")
    parser.add_argument(
        "--raw", action="store_true", help="publish lines as they are, even those that are no JSON or name no customer"
    )
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    """Exit 0 when every line is on the broker, 1 when any was skipped or refused."""
    from metering.cli.output import fail, print_json
    from metering.cli.publishing import publish_lines
    from metering.cli.running import run_async
    from metering.settings import load_settings

    report = run_async(publish_lines(load_settings().kafka, arguments.file, raw=arguments.raw))
    if arguments.json:
        print_json(report)
    else:
        for problem in report.problems[:PROBLEMS_SHOWN_MAX]:
            fail(f"line {problem.line}: {problem.reason}: {problem.detail}")
        print(f"{report.published:,} of {report.lines:,} lines published in {report.milliseconds / 1000:.1f} s")
    return 0 if report.published == report.lines else 1
