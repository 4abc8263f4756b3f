"""The demo's figures in words. Leaves whether they are right to `summary`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from shlex import quote

from metering.cli.demonstration.run import Shown
from metering.cli.demonstration.summary import Summary
from metering.cli.output import format_amount, format_table
from metering.cli.statements import STATEMENT_HEAD, describe_line

COUNTRIES_MAX = 12


def describe(summary: Summary) -> str:
    """Return the summary for people."""
    return "\n".join(_describe(summary))


def describe_endpoints(shown: Shown) -> str:
    """Return where everything is, ready to be pasted into a shell."""
    return "\n".join(
        (
            "",
            *(f"export {name}={quote(value)}" for name, value in shown.environment.items()),
            f"# figures: {shown.worker_url}/metrics {shown.checkpointer_url}/metrics",
            f"# try: metering balance --customer {shown.summary.run.fall.customer}",
            "# Ctrl-C ends everything",
        )
    )


def _describe(summary: Summary) -> Iterator[str]:
    run = summary.run
    yield ""
    yield f"{run.events_at_once:,} events at once: {run.events_per_second:,} events/s, from the broker to the ledger"
    decisions = run.decisions
    if decisions.p50_ms is not None and decisions.p99_ms is not None:
        yield f"{decisions.count:,} decisions: p50 {decisions.p50_ms:.0f} ms, p99 {decisions.p99_ms:.0f} ms"
    yield f"{summary.kept.usage:,} events and {summary.kept.commands:,} commands are in the books, each once"
    yield ""
    yield "Spend by country"
    rows = [
        (row.country or "-", format_amount(row.amount_micros, row.unit, places=6), f"{row.charges:,}")
        for row in summary.spend
    ]
    yield format_table(("country", "spent", "charges"), rows[:COUNTRIES_MAX], right=(1, 2))
    if len(rows) > COUNTRIES_MAX:
        others = summary.spend[COUNTRIES_MAX:]
        yield f"and {len(others)} more: {format_amount(sum(row.amount_micros for row in others), others[0].unit)}"
    yield ""
    yield f"Alerts of {run.fall.customer} ({run.fall.allowed} texts allowed, {run.fall.denied} denied)"
    for alert in run.fall.alerts:
        data = alert.data
        what = f" {data.level} {data.id}" if data.level else ""
        left = f", {format_amount(data.available_micros, data.unit)} left" if data.available_micros is not None else ""
        yield f"{alert.time}  {alert.type}{what}{left}"
    elsewhere = Counter(dict(run.alerts)) - Counter(alert.type.value for alert in run.fall.alerts)
    if elsewhere:
        yield "of others: " + ", ".join(f"{count:,} {name}" for name, count in sorted(elsewhere.items()))
    yield ""
    yield f"The end of {run.fall.customer}'s statement"
    yield STATEMENT_HEAD
    yield from (describe_line(line) for line in summary.statement)
    yield ""
    found = summary.reconciliation
    yield f"Reconciled {found.wallets:,} wallets in Redis, Postgres and {found.entries:,} entries: drift {found.drift}"
