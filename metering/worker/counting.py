"""Counts what a published batch did, for the metrics. Adds up first: one `inc` a label set, not one an event."""

from __future__ import annotations

from collections.abc import Iterable
from operator import add
from typing import Self

from metering.contracts.entries import Position
from metering.contracts.reasons import Kind, Reason
from metering.ledger.codes import KINDS, REASON_CODES, REASONS, KindCode
from metering.ledger.made import EntryMade
from metering.observe.metrics import WorkerMetrics
from metering.worker.chunking import TakenChunk

_COMMAND_OUTCOMES = {Kind.REFUSED: "refused", Kind.DUPLICATE: "duplicate"}
NO_DESTINATION = frozenset(
    REASON_CODES[reason] for reason in (Reason.UNRATED, Reason.REJECTED_DESTINATION, Reason.INVALID_NUMBER)
)
_DUPLICATE = KindCode.DUPLICATE.value
_DIRECTIONS = ("credited", "debited", "held", "freed")
_NOTHING = [0, 0, 0, 0, 0]


NO_EVENT = ""
Labels = tuple[str, str | None, str | None, int, str | None]
"""Of an entry: its event's type or `NO_EVENT`, channel, country, the code of its kind, and unit."""


class Progress:
    """How far a claimed bucket is. The metrics ask for it when they are read: a chunk may be of one event."""

    __slots__ = ("_clock_ms", "_position", "_seq")

    def __init__(self, metrics: WorkerMetrics, bucket: int, seq: int, position: Position, clock_ms: int) -> None:
        """Begin where the claim has found the bucket."""
        name = str(bucket)
        self.note(seq, position, clock_ms)
        metrics.ledger_seq.labels(name).set_function(lambda: self._seq)
        metrics.position.labels("usage", name).set_function(lambda: self._position.usage)
        metrics.position.labels("commands", name).set_function(lambda: self._position.commands)
        metrics.bucket_clock.labels(name).set_function(lambda: self._clock_ms / 1_000)

    def note(self, seq: int, position: Position, clock_ms: int) -> None:
        """Note where the bucket stands after a chunk."""
        self._seq, self._position, self._clock_ms = seq, position, clock_ms


def count_taken(metrics: WorkerMetrics, taken: TakenChunk) -> None:
    """Count what could not become an input."""
    for topic, reason in taken.rejected:
        metrics.dead_letters.labels(topic, reason.value).inc()
    if taken.forwarded:
        metrics.forwarded.labels("usage").inc(taken.forwarded)


class Counts:
    """What entries are and what they moved, added up until `count` tells the metrics."""

    __slots__ = ("tallies", "unusual")

    def __init__(self) -> None:
        self.tallies: dict[Labels, list[int]] = {}
        """How many entries, then what they moved by `_DIRECTIONS`."""
        self.unusual: list[EntryMade] = []

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Return several as one: of small chunks the metrics are told together. What was unusual was told before."""
        one = cls()
        for part in parts:
            for labels, tally in part.tallies.items():
                one.add_told(labels, tally)
        return one

    def add_plain(self, labels: Labels, amount: int, held: int) -> None:
        """Add an entry: what it is and what it moved, and there is nothing else to it."""
        tally = self.tallies.get(labels)
        if tally is None:
            tally = self.tallies[labels] = _NOTHING.copy()
        tally[0] += 1
        if amount < 0:
            tally[2] -= amount
        elif amount:
            tally[1] += amount
        if held > 0:
            tally[3] += held
        elif held:
            tally[4] -= held

    def add_told(self, labels: Labels, tally: list[int]) -> None:
        """Add entries that were added up elsewhere: how many, then what they moved by `_DIRECTIONS`."""
        known = self.tallies.get(labels)
        self.tallies[labels] = tally.copy() if known is None else list(map(add, known, tally))

    def add(self, made: EntryMade) -> None:
        """Add an entry, whatever it is."""
        result, about = made.result, made.carried
        event = about.event
        event_type = NO_EVENT if event is None else event.type
        labels = (event_type, about.channel, about.country, result.kind, about.unit)
        self.add_plain(labels, result.amount, result.held_change)
        if event is None or result.reason or result.extras is not False:
            self.unusual.append(made)

    def count(self, metrics: WorkerMetrics) -> None:
        """Tell the metrics; to be called once."""
        self.count_unusual(metrics)
        for (event_type, channel, country, kind, unit), tally in self.tallies.items():
            if event_type != NO_EVENT:
                metrics.events_of(event_type, channel or "", country or "", KINDS[kind].value).inc(tally[0])
            if unit:
                for direction, micros in zip(_DIRECTIONS, tally[1:], strict=True):
                    if micros:
                        metrics.amounts_of(unit, direction).inc(micros)

    def count_unusual(self, metrics: WorkerMetrics) -> None:
        """Tell the metrics of what is more than a tally, and let go of it: it is large."""
        for made in self.unusual:
            if made.carried.event is None:
                _count_other(metrics, made)
            _count_changes(metrics, made)
        self.unusual = []


def _count_other(metrics: WorkerMetrics, made: EntryMade) -> None:
    command = made.carried.command
    if command is not None:
        metrics.commands.labels(command.type, _COMMAND_OUTCOMES.get(made.effect.kind, "done")).inc()
    elif made.is_timer:
        (metrics.holds_expired if made.effect.reason == "hold" else metrics.lots_expired).inc()


def _count_changes(metrics: WorkerMetrics, made: EntryMade) -> None:
    result = made.result
    if result.reason in NO_DESTINATION and result.kind != _DUPLICATE:
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
