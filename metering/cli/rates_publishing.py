"""`metering rates publish`: checks a version and puts it in force. Leaves writing it to the worker's publisher."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from metering.cli.kafka import open_producer
from metering.cli.output import fail, print_json
from metering.cli.rates_sources import find_published, is_version, open_rates
from metering.cli.running import run_async
from metering.errors import Fatal
from metering.rating import Catalog, Problem, pack_files
from metering.rating.check import MOVED_PERCENT, CheckedRates, check_tree
from metering.rating.times import format_instant
from metering.rating.tree import DirectoryTree
from metering.settings import Settings, load_settings
from metering.worker.kafka import Kafka
from metering.worker.rates_publisher import Published, RatesPublisher, check_lead, moment_in

IN_SECONDS_DEFAULT = 120


class Outcome(Struct, omit_defaults=True):
    """What `--json` prints. `ok` False: refused, nothing was written."""

    ok: bool
    version: str
    problems: Sequence[Problem] = ()
    refused: str | None = None
    active_from_ms: int | None = None
    active_from: str | None = None
    published_at_ms: int | None = None
    parts: int | None = None
    packed_bytes: int | None = None
    written: bool | None = None


def publish(arguments: argparse.Namespace) -> int:
    """Exit 0 when the version is, or was already, published for that moment; 1 when it is refused.

    Interrupted, it was or was not: the same command with the same `--at` says which, and finishes it.
    """
    settings = load_settings()
    active_from_ms = _moment(arguments)
    if arguments.source is not None and is_version(arguments.source):
        outcome = run_async(_publish_again(settings, arguments.source, active_from_ms))
    else:
        directory = Path(arguments.source) if arguments.source else settings.rates.dir
        if not directory.is_dir():
            raise Fatal(f"{directory} is not a directory")
        checked = check_tree(DirectoryTree(directory), arguments.moved or MOVED_PERCENT)
        why = _refusal(checked, arguments.strict)
        if why is not None:
            outcome = Outcome(ok=False, version=checked.version, problems=checked.problems, refused=why)
        else:
            outcome = run_async(_publish(settings, checked, active_from_ms))
    _print(outcome, as_json=arguments.json)
    return 0 if outcome.ok else 1


def _moment(arguments: argparse.Namespace) -> int:
    if arguments.at is not None:
        return int(arguments.at.timestamp() * 1_000)
    moment = moment_in(arguments.seconds if arguments.seconds is not None else IN_SECONDS_DEFAULT)
    check_lead(moment)
    return moment


def _refusal(checked: CheckedRates, warnings_max: int | None) -> str | None:
    errors = sum(problem.severity == "error" for problem in checked.problems)
    warnings = len(checked.problems) - errors
    if errors:
        return f"{errors} errors"
    if warnings_max is not None and warnings > warnings_max:
        return f"{warnings} warnings, {warnings_max} are allowed"
    return None


async def _publish(settings: Settings, checked: CheckedRates, active_from_ms: int) -> Outcome:
    rates = await open_rates(settings)
    problems = list(checked.problems)
    before = rates.timeline.at(active_from_ms - 1)
    known = await rates.load(before) if before is not None else None
    if known is not None:
        problems += _compare_plans(known, checked.units)
        if any(problem.severity == "error" for problem in problems):
            return Outcome(ok=False, version=checked.version, problems=problems, refused="a plan's unit has changed")
    packed = await asyncio.to_thread(pack_files, checked.files)
    async with open_producer(settings.kafka) as producer:
        publisher = RatesPublisher(Kafka(settings.kafka), producer, rates)
        published = await publisher.publish(checked.version, packed, active_from_ms)
    return _accepted(published, problems)


async def _publish_again(settings: Settings, version: str, active_from_ms: int) -> Outcome:
    rates = await open_rates(settings)
    before = find_published(rates, version)
    if await rates.load(before) is None:
        raise Fatal(f"version {version} cannot be read by this program")
    async with open_producer(settings.kafka) as producer:
        publisher = RatesPublisher(Kafka(settings.kafka), producer, rates)
        return _accepted(await publisher.publish_again(before, active_from_ms), ())


def _compare_plans(known: Catalog, units: Mapping[str, str]) -> Iterator[Problem]:
    """Tell what customers would be refused for: wallets keep their unit, and a plan that is gone prices nothing."""
    for name, plan in known.plans.items():
        file = f"plans/{name}.yaml"
        unit = units.get(name)
        if unit is None:
            message = "was in the version before: its customers will be refused as unknown_plan"
            yield Problem(file, 1, 1, "plan_gone", message, "warning")
        elif unit != plan.unit:
            message = f"{plan.unit} in the version before, {unit} now: wallets keep their unit; name a new plan"
            yield Problem(file, 1, 1, "unit_changed", message)


def _accepted(published: Published, problems: Sequence[Problem]) -> Outcome:
    return Outcome(
        ok=True,
        version=published.version,
        problems=problems,
        active_from_ms=published.active_from_ms,
        active_from=format_instant(published.active_from_ms),
        published_at_ms=published.published_at_ms,
        parts=published.parts,
        packed_bytes=published.packed_bytes,
        written=published.written,
    )


def _print(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome)
        return
    for problem in outcome.problems:
        print(problem)
    if not outcome.ok:
        fail(f"version {outcome.version} is not published: {outcome.refused}")
        return
    what = "published" if outcome.written else "was published before"
    print(f"version {outcome.version} {what}: in force from {outcome.active_from}")
