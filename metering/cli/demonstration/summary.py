"""What the demo has shown: figures, and whether all is as it must be. Leaves words to `report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.reconcile import Reconciliation
from metering.checkpoint.statement import StatementLine, statement
from metering.cli.demonstration.books import CountrySpend, Kept, connect_books, read_kept, read_spend
from metering.cli.demonstration.children import Figures, quantile_ms
from metering.cli.demonstration.fall import Fall, check_fall
from metering.cli.reconciling import describe_difference, reconcile_all
from metering.settings import Settings

STATEMENT_LINES = 12
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
    statement: list[StatementLine]
    """The last lines of the customer that ran out."""
    reconciliation: Reconciliation
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
    lines = await _read_statement(settings, run.fall.customer)
    found = await reconcile_all(settings)
    problems = [*find_problems(run, kept), *check_statement(lines), *check_reconciliation(found)]
    return Summary(run, kept, spend, lines[-STATEMENT_LINES:], found, problems)


async def _read_statement(settings: Settings, customer: str) -> list[StatementLine]:
    database = Database(settings.postgres.dsn)
    try:
        return [line async for line in statement(database, customer)]
    finally:
        await database.close()


def check_statement(lines: Sequence[StatementLine]) -> list[str]:
    """Return where the running balance does not follow from the amounts, or a line is missing."""
    balance = 0
    for number, line in enumerate(lines, 1):
        balance += line.amount_micros
        if (line.wallet_seq, line.balance_micros) != (number, balance):
            return [
                f"line {number} of the statement is entry {line.wallet_seq} with {line.balance_micros}, not {balance}"
            ]
    return [] if lines else ["the statement is empty"]


def check_reconciliation(found: Reconciliation) -> list[str]:
    """Return what differs between Redis, the books and the entries."""
    problems = [describe_difference(difference) for difference in found.differing]
    if found.behind:
        problems.append(f"{found.behind} wallets are not in the books as far as they are in Redis")
    return problems


def find_problems(run: Run, kept: Kept) -> list[str]:
    """Return what is off in what was counted, one line each."""
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
