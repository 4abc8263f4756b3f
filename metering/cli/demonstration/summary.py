"""What the demo has shown: figures, and whether all is as it must be. Leaves words to `report`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from metering.cli.demonstration.books import CountrySpend, Kept, connect_books, read_kept, read_spend
from metering.cli.demonstration.children import Figures, quantile_ms
from metering.cli.demonstration.fall import Fall, check_fall
from metering.settings import Settings

DECISIONS = "metering_decision_seconds"


class Decisions(Struct, frozen=True):
    """Decisions of the paced stretch: from the event's log timestamp to the decision's acknowledgement."""

    count: int
    p50_ms: float | None
    p99_ms: float | None


class Run(Struct, frozen=True):
    """What was done, and what was seen while it was done."""

    published: int
    commands: int
    dead_letters: int
    events_at_once: int
    milliseconds_at_once: int
    decisions: Decisions
    alerts: Mapping[str, int]
    fall: Fall

    @property
    def events_per_second(self) -> int:
        """Events of the fast stretch, until the last was metered."""
        return self.events_at_once * 1_000 // max(1, self.milliseconds_at_once)


class Summary(Struct, frozen=True):
    """Everything that is told at the end; `problems` is empty when all is as it must be."""

    run: Run
    kept: Kept
    spend: list[CountrySpend]
    problems: list[str]


def measure_decisions(before: Figures, after: Figures) -> Decisions:
    """Return the decisions between two scrapes."""
    first, last = before.buckets(DECISIONS), after.buckets(DECISIONS)
    count = after.total(f"{DECISIONS}_count") - before.total(f"{DECISIONS}_count")
    return Decisions(count, quantile_ms(first, last, 0.5), quantile_ms(first, last, 0.99))


async def summarise(settings: Settings, run: Run) -> Summary:
    """Read the books and compare them with what was done."""
    async with connect_books(settings.postgres.dsn) as books:
        kept, spend = await read_kept(books), await read_spend(books)
    return Summary(run, kept, spend, find_problems(run, kept))


def find_problems(run: Run, kept: Kept) -> list[str]:
    """Return what is off, one line each."""
    problems = check_fall(run.fall)
    if not run.published == kept.usage == kept.usage_distinct:
        problems.append(
            f"{run.published:,} events were published, the books have {kept.usage:,} entries of {kept.usage_distinct:,}"
        )
    if run.commands != kept.commands:
        problems.append(f"{run.commands:,} commands were carried out, the books have {kept.commands:,}")
    if run.dead_letters:
        problems.append(f"{run.dead_letters:,} valid records became dead letters")
    if run.decisions.p50_ms is None:
        problems.append("no decision was measured")
    return problems
