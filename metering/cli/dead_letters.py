"""`metering dead-letters …`: the arguments of what can be done with them. Leaves doing it to `dead_letters_…`."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from metering.cli.parsing import Commands, add_json, parse_count, parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metering.cli.dead_letters_reading import Known, Wanted
    from metering.cli.dead_letters_resolving import Outcome
    from metering.settings import Settings

LISTED_MAX = 100


def register(commands: Commands) -> None:
    """Add the command with its actions."""
    parser = commands.add_parser("dead-letters", help="look at what could not be understood, send it again, or drop it")
    actions = parser.add_subparsers(title="actions", metavar="list|show|retry|drop", required=True)
    listing = actions.add_parser("list", help="the open ones, oldest first, and how many there are by reason")
    _add_filters(listing)
    listing.add_argument(
        "--limit", type=parse_count, default=LISTED_MAX, metavar="N", help=f"so many at most; {LISTED_MAX}"
    )
    add_json(listing)
    listing.set_defaults(run=_list)
    show = actions.add_parser("show", help="one whole, with its original and what became of it")
    show.add_argument("keys", nargs="+", metavar="KEY", help="as `list` has it: topic-partition-offset")
    add_json(show)
    show.set_defaults(run=_show)
    retry = actions.add_parser("retry", help="send originals again, once what kept them from being read is put right")
    _add_choice(retry, action="retry", why="why, in your words")
    drop = actions.add_parser("drop", help="note that nothing is to come of them")
    _add_choice(drop, action="drop", why="why, in your words; needed")


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", action="append", metavar="WORD", help="of these reasons; again for each")
    parser.add_argument("--topic", choices=("usage", "commands"), help="of one topic")
    parser.add_argument("--partition", type=int, metavar="N", help="of one bucket")
    parser.add_argument("--customer", help="of one customer, as far as the original tells")
    parser.add_argument("--since", type=parse_moment, metavar="TIME", help="logged at or after")
    parser.add_argument("--until", type=parse_moment, metavar="TIME", help="logged before")


def _add_choice(parser: argparse.ArgumentParser, *, action: str, why: str) -> None:
    parser.add_argument("keys", nargs="*", metavar="KEY", help="these, also where they are not open any more")
    parser.add_argument("--all-matching", action="store_true", help="or all open ones that fit what is given of:")
    _add_filters(parser)
    parser.add_argument("--count", type=parse_count, metavar="N", help="only if they are exactly so many")
    parser.add_argument("--yes", action="store_true", help="however many they are, without being asked")
    parser.add_argument("--actor", required=True, help="who decides, as it is written down")
    parser.add_argument("--why", help=why)
    add_json(parser)
    parser.set_defaults(run=_resolve, action=action)


def _list(arguments: argparse.Namespace) -> int:
    """Exit 0, however many there are. Changes nothing."""
    from metering.cli.dead_letters_describing import describe_list, list_letters
    from metering.cli.dead_letters_reading import read_letters
    from metering.cli.output import print_json
    from metering.cli.running import run_async
    from metering.ledger.till import Windows
    from metering.settings import load_settings

    settings, wanted = load_settings(), _wanted(arguments)

    async def run() -> None:
        async with read_letters(settings.kafka, wanted) as letters:
            found = list_letters(letters, Windows.of(settings.ledger), arguments.limit)
        if arguments.json:
            print_json(found)
        else:
            print(describe_list(found))

    run_async(run())
    return 0


def _show(arguments: argparse.Namespace) -> int:
    """Exit 1 when one of the keys is no dead letter's. Changes nothing."""
    from metering.cli.dead_letters_describing import describe_letters, view_letter
    from metering.cli.dead_letters_reading import Wanted, read_letters
    from metering.cli.kafka import count_buckets
    from metering.cli.output import print_json
    from metering.cli.running import run_async
    from metering.ledger.till import Windows
    from metering.settings import load_settings

    settings = load_settings()
    windows = Windows.of(settings.ledger)

    async def run() -> int:
        partitions = await count_buckets(settings.kafka)
        async with read_letters(settings.kafka, Wanted(keys=frozenset(arguments.keys))) as letters:
            views = [view_letter(known, windows, partitions) for known in letters.all()]
        if arguments.json:
            print_json({"dead_letters": views})
        elif views:
            print(describe_letters(views))
        return _tell_missing(arguments.keys, [view.key for view in views])

    return run_async(run())


def _resolve(arguments: argparse.Namespace) -> int:
    """Exit 1 when nothing was chosen, the count is another, or some stay as they were; see `dead_letters_resolving`."""
    from metering.cli.output import fail
    from metering.cli.running import run_async
    from metering.settings import load_settings

    if bool(arguments.keys) == arguments.all_matching:
        fail("name the keys, or say --all-matching")
        return 2
    if arguments.keys and _has_filters(arguments):
        fail("keys are named, so there is nothing to filter: --all-matching takes filters")
        return 2
    if arguments.action == "drop" and not arguments.why:
        fail("drop needs --why: nobody will look at them again")
        return 2
    return run_async(_resolve_chosen(arguments, load_settings()))


async def _resolve_chosen(arguments: argparse.Namespace, settings: Settings) -> int:
    from metering.cli.dead_letters_reading import read_letters
    from metering.cli.output import print_json

    async with read_letters(settings.kafka, _wanted(arguments)) as letters:
        if arguments.all_matching:
            if not _is_confirmed(arguments, sum(letters.count_open().values())):
                return 1
            outcome = await _act(arguments, settings, letters.open_pages())
        else:
            named = list(letters.all())
            if _tell_missing(arguments.keys, [known.key for known in named]):
                return 1
            outcome = await _act(arguments, settings, [named])
    if arguments.json:
        print_json(outcome)
    else:
        _tell(outcome)
    return 1 if outcome.left else 0


async def _act(arguments: argparse.Namespace, settings: Settings, pages: Iterable[list[Known]]) -> Outcome:
    from metering.cli.dead_letters_resolving import drop, retry

    if arguments.action == "retry":
        return await retry(settings, pages, arguments.actor, arguments.why)
    return await drop(settings, pages, arguments.actor, arguments.why)


def _is_confirmed(arguments: argparse.Namespace, count: int) -> bool:
    """Ask for the count where it was not given, and somebody is there to ask."""
    from metering.cli.output import fail, note

    if arguments.yes:
        return True
    if arguments.count is not None:
        if count != arguments.count:
            fail(f"{count:,} match, not {arguments.count:,}: nothing is done")
        return bool(count == arguments.count)
    if not sys.stdin.isatty():
        fail(f"{count:,} match: say --count {count} or --yes to {arguments.action} them")
        return False
    note(f"{count:,} match. To {arguments.action} them, type how many they are:")
    if sys.stdin.readline().strip().replace(",", "") != str(count):
        fail("nothing is done")
        return False
    return True


def _wanted(arguments: argparse.Namespace) -> Wanted:
    from metering.cli.dead_letters_reading import Wanted
    from metering.contracts.reasons import DeadLetterReason
    from metering.errors import Fatal

    unknown = sorted(set(arguments.reason or ()) - set(DeadLetterReason))
    if unknown:
        raise Fatal(f"no dead letter has the reason {', '.join(unknown)}; there are {', '.join(DeadLetterReason)}")
    keys = getattr(arguments, "keys", None)
    return Wanted(
        keys=frozenset(keys) if keys else None,
        reasons=frozenset(arguments.reason) if arguments.reason else None,
        topic=arguments.topic,
        partition=arguments.partition,
        customer=arguments.customer,
        since_ms=_milliseconds(arguments.since),
        until_ms=_milliseconds(arguments.until),
    )


def _has_filters(arguments: argparse.Namespace) -> bool:
    names = ("reason", "topic", "partition", "customer", "since", "until", "count")
    return any(getattr(arguments, name) is not None for name in names)


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1_000)


def _tell_missing(keys: list[str], found: list[str]) -> int:
    from metering.cli.output import fail

    missing = sorted(set(keys) - set(found))
    for key in missing:
        fail(f"{key}: there is no such dead letter")
    return 1 if missing else 0


def _tell(outcome: Any) -> None:
    from metering.cli.output import fail

    left = "".join(f", {count:,} left ({why})" for why, count in outcome.left.items())
    print(f"{outcome.matching:,} matching: {outcome.retried:,} retried, {outcome.dropped:,} dropped{left}")
    for problem in outcome.problems:
        fail(problem)
