"""`metering rates …`: the arguments of what can be done with plans and decks. Leaves doing it to `rates_…` modules."""

from __future__ import annotations

import argparse
from typing import Any

from metering.cli.parsing import Commands, add_json, parse_count, parse_moment, parse_seconds

SOURCES = "a rates tree, a published version, or `published` (what is in force now)"
CHANNELS = ("sms", "mms", "voice", "conversation", "broadcast", "number")


def register(commands: Commands) -> None:
    """Add the command with its actions."""
    parser = commands.add_parser("rates", help="check, publish, explain and compare plans and decks")
    actions = parser.add_subparsers(
        title="actions", metavar="check|publish|list|fetch|explain|diff", required=True, dest="action"
    )
    _add_check(actions)
    _add_publish(actions)
    _add_list(actions)
    _add_explain(actions)
    _add_diff(actions)


def _add_check(actions: Any) -> None:
    check = actions.add_parser("check", help="print every problem with file, line and column")
    check.add_argument("path", nargs="?", metavar="PATH", help="a rates tree; METERING_RATES__DIR when left out")
    add_json(check)
    check.set_defaults(run=_check)


def _add_publish(actions: Any) -> None:
    publish = actions.add_parser("publish", help="check a version and put it in force for all workers at one moment")
    publish.add_argument(
        "source", nargs="?", metavar="PATH", help=f"{SOURCES}; METERING_RATES__DIR when left out", default=None
    )
    moment = publish.add_mutually_exclusive_group()
    moment.add_argument("--at", type=parse_moment, metavar="TIME", help="in force from this moment of the log on")
    moment.add_argument(
        "--in", type=parse_seconds, metavar="SECONDS", dest="seconds", help="or so long after now; 60 at least, 120"
    )
    publish.add_argument(
        "--strict", type=int, nargs="?", const=0, metavar="MAX", help="refuse more than MAX warnings; 0 when left out"
    )
    publish.add_argument(
        "--moved", type=parse_count, metavar="PERCENT", help="warn of prices that move by more; 50 when left out"
    )
    add_json(publish)
    publish.set_defaults(run=_publish)


def _add_list(actions: Any) -> None:
    listing = actions.add_parser("list", help="what has been published, and what is in force")
    add_json(listing)
    listing.set_defaults(run=_list)
    fetch = actions.add_parser("fetch", help="write the files of a published version into a directory")
    fetch.add_argument("name", metavar="VERSION", help="as `list` names it, or `published`")
    fetch.add_argument("directory", metavar="DIR", help="is made, and must be empty")
    fetch.set_defaults(run=_fetch)


def _add_explain(actions: Any) -> None:
    explain = actions.add_parser("explain", help="a price with every line and row that makes it")
    explain.add_argument("--plan", required=True, help="whose prices")
    explain.add_argument("--to", required=True, action="append", metavar="NUMBER", help="again for each recipient")
    explain.add_argument("--channel", choices=CHANNELS, default="sms", help="sms when left out")
    explain.add_argument("--direction", choices=("outbound", "inbound", "forwarded"), default="outbound")
    explain.add_argument("--text", help="counted as the plan counts")
    explain.add_argument("--segments", type=parse_count, help="instead of a text")
    explain.add_argument("--media", type=parse_count, help="pictures of an mms")
    explain.add_argument("--seconds", type=int, help="of a call")
    explain.add_argument("--sender-type", choices=("long_code", "short_code", "toll_free", "alphanumeric"))
    explain.add_argument("--mcc-mnc", metavar="NETWORK", help="such as 310-260")
    explain.add_argument("--conversation-class", metavar="CLASS")
    explain.add_argument(
        "--feature", choices=("forwarded", "voicemail_recorded", "voicemail_transcribed", "reprocessed")
    )
    explain.add_argument("--machine-detection", action="store_true")
    explain.add_argument("--country", help="of numbers without a calling code")
    explain.add_argument("--at", type=parse_moment, metavar="TIME", help="when it is sent; now when left out")
    explain.add_argument("--rates", metavar="SOURCE", help=f"{SOURCES}; METERING_RATES__DIR when left out")
    add_json(explain)
    explain.set_defaults(run=_explain)


def _add_diff(actions: Any) -> None:
    diff = actions.add_parser("diff", help="what changes by destination, and for whom by how much")
    diff.add_argument("old", metavar="OLD", help=SOURCES)
    diff.add_argument("new", metavar="NEW", help="the same")
    diff.add_argument(
        "--usage", type=parse_seconds, metavar="HOURS", help="price the last hours of the books by both, by customer"
    )
    diff.add_argument(
        "--at", type=parse_moment, metavar="TIME", help="ask NEW as if that usage were of this moment, not of its own"
    )
    add_json(diff)
    diff.set_defaults(run=_diff)


def _check(arguments: argparse.Namespace) -> int:
    """Exit 0 when the tree can be loaded (warnings are printed), else 1."""
    from pathlib import Path

    from metering.cli.output import print_json
    from metering.errors import Fatal
    from metering.rating.check import check_rates
    from metering.settings import load_settings

    directory = Path(arguments.path) if arguments.path else load_settings().rates.dir
    try:
        problems = check_rates(directory)
    except OSError as error:
        raise Fatal(f"{directory}: {error.strerror}") from error
    errors = sum(problem.severity == "error" for problem in problems)
    if arguments.json:
        print_json({"ok": not errors, "problems": problems})
    else:
        for problem in problems:
            print(problem)
        print(f"{directory}: {errors} errors, {len(problems) - errors} warnings")
    return 1 if errors else 0


def _publish(arguments: argparse.Namespace) -> int:
    from metering.cli.rates_publishing import publish

    return publish(arguments)


def _list(arguments: argparse.Namespace) -> int:
    from metering.cli.rates_published import list_published

    return list_published(arguments)


def _fetch(arguments: argparse.Namespace) -> int:
    from metering.cli.rates_published import fetch

    return fetch(arguments)


def _explain(arguments: argparse.Namespace) -> int:
    from metering.cli.rates_explaining import explain_price

    return explain_price(arguments)


def _diff(arguments: argparse.Namespace) -> int:
    from metering.cli.rates_comparing import compare

    return compare(arguments)
