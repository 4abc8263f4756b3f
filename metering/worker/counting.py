"""Counts what a published batch did, for the metrics. Adds up first: one `inc` a label set, not one an event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from metering.contracts.reasons import Kind, Reason
from metering.ledger.results import EntryMade
from metering.observe.metrics import WorkerMetrics
from metering.worker.chunking import TakenChunk

_COMMAND_OUTCOMES = {Kind.REFUSED: "refused", Kind.DUPLICATE: "duplicate"}
_NO_DESTINATION = frozenset((Reason.UNRATED, Reason.REJECTED_DESTINATION, Reason.INVALID_NUMBER))


def count_taken(metrics: WorkerMetrics, taken: TakenChunk) -> None:
    """Count what could not become an input."""
    for topic, reason in taken.rejected:
        metrics.dead_letters.labels(topic, reason.value).inc()
    if taken.forwarded:
        metrics.forwarded.labels("usage").inc(taken.forwarded)


def count_entries(metrics: WorkerMetrics, entries: Iterable[EntryMade]) -> None:
    """Count entries by what they are, and what they moved."""
    events: Counter[tuple[str, str, str, str]] = Counter()
    amounts: Counter[tuple[str, str]] = Counter()
    for made in entries:
        effect, about = made.effect, made.carried
        if about.event is not None:
            events[about.event.type, about.channel or "", about.country or "", effect.kind.value] += 1
        elif about.command is not None:
            metrics.commands.labels(about.command.type, _COMMAND_OUTCOMES.get(effect.kind, "done")).inc()
        elif made.is_timer:
            (metrics.holds_expired if effect.reason == "hold" else metrics.lots_expired).inc()
        if about.unit:
            if effect.amount_micros:
                direction = "credited" if effect.amount_micros > 0 else "debited"
                amounts[about.unit, direction] += abs(effect.amount_micros)
            if effect.held_change_micros:
                direction = "held" if effect.held_change_micros > 0 else "freed"
                amounts[about.unit, direction] += abs(effect.held_change_micros)
        _count_changes(metrics, made)
    for labels, count in events.items():
        metrics.events.labels(*labels).inc(count)
    for labels_of_amount, micros in amounts.items():
        metrics.amounts.labels(*labels_of_amount).inc(micros)


def _count_changes(metrics: WorkerMetrics, made: EntryMade) -> None:
    reason = made.effect.reason
    if reason in _NO_DESTINATION and made.effect.kind is not Kind.DUPLICATE:
        metrics.destinations_refused.labels(str(reason), made.carried.country or "").inc()
    for alert in made.effect.alerts:
        metrics.alerts.labels(alert.type.value).inc()
    for change in made.effect.blocks:
        if change.changed:
            state = "blocked" if change.blocked else "unblocked"
            metrics.block_changes.labels(change.level.value, state, str(change.reason)).inc()
            metrics.alerts.labels(f"sender.{state}").inc()
