"""Counts what a published batch did, for the metrics. Adds up first: one `inc` a label set, not one an event."""

from __future__ import annotations

from collections.abc import Iterable

from metering.contracts.reasons import Kind, Reason
from metering.ledger.codes import KINDS, REASON_CODES, REASONS, KindCode
from metering.ledger.made import EntryMade
from metering.observe.metrics import WorkerMetrics
from metering.worker.chunking import TakenChunk

_COMMAND_OUTCOMES = {Kind.REFUSED: "refused", Kind.DUPLICATE: "duplicate"}
_NO_DESTINATION = frozenset(
    REASON_CODES[reason] for reason in (Reason.UNRATED, Reason.REJECTED_DESTINATION, Reason.INVALID_NUMBER)
)
_DUPLICATE = KindCode.DUPLICATE.value


def count_taken(metrics: WorkerMetrics, taken: TakenChunk) -> None:
    """Count what could not become an input."""
    for topic, reason in taken.rejected:
        metrics.dead_letters.labels(topic, reason.value).inc()
    if taken.forwarded:
        metrics.forwarded.labels("usage").inc(taken.forwarded)


def count_entries(metrics: WorkerMetrics, entries: Iterable[EntryMade]) -> None:
    """Count entries by what they are, and what they moved."""
    events: dict[tuple[str, str | None, str | None, int], int] = {}
    amounts: dict[tuple[str, str], int] = {}
    for made in entries:
        result, about = made.result, made.carried
        event = about.event
        if event is not None:
            labels = (event.type, about.channel, about.country, result.kind)
            events[labels] = events.get(labels, 0) + 1
        else:
            _count_other(metrics, made)
        unit = about.unit
        if unit:
            if amount := result.amount:
                key = (unit, "credited") if amount > 0 else (unit, "debited")
                amounts[key] = amounts.get(key, 0) + abs(amount)
            if change := result.held_change:
                key = (unit, "held") if change > 0 else (unit, "freed")
                amounts[key] = amounts.get(key, 0) + abs(change)
        if result.reason or result.extras is not False:
            _count_changes(metrics, made)
    for (event_type, channel, country, kind), count in events.items():
        metrics.events.labels(event_type, channel or "", country or "", KINDS[kind].value).inc(count)
    for labels_of_amount, micros in amounts.items():
        metrics.amounts.labels(*labels_of_amount).inc(micros)


def _count_other(metrics: WorkerMetrics, made: EntryMade) -> None:
    command = made.carried.command
    if command is not None:
        metrics.commands.labels(command.type, _COMMAND_OUTCOMES.get(made.effect.kind, "done")).inc()
    elif made.is_timer:
        (metrics.holds_expired if made.effect.reason == "hold" else metrics.lots_expired).inc()


def _count_changes(metrics: WorkerMetrics, made: EntryMade) -> None:
    result = made.result
    if result.reason in _NO_DESTINATION and result.kind != _DUPLICATE:
        metrics.destinations_refused.labels(REASONS[result.reason].value, made.carried.country or "").inc()
    if result.extras is False:
        return
    for alert in made.effect.alerts:
        metrics.alerts.labels(alert.type.value).inc()
    for change in made.effect.blocks:
        if change.changed:
            state = "blocked" if change.blocked else "unblocked"
            metrics.block_changes.labels(change.level.value, state, str(change.reason)).inc()
            metrics.alerts.labels(f"sender.{state}").inc()
