"""Repeated denials: attempts of a blocked sender, kept as counts a sender and hour.

Leaves every other entry to `entry_rows`.

The events stay recognisable for the window: their digests, seqs and times stand in lists beside the count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from metering.checkpoint.records import LedgerRecord
from metering.contracts.reasons import Kind, Reason
from metering.ledger.identity import event_digest
from metering.ledger.keys import HOUR_MS

DenialRow: TypeAlias = tuple[Any, ...]
"""The values of `COLUMNS`, in that order."""

COLUMNS = (
    "bucket",
    "hour_ms",
    "customer",
    "wallet",
    "sender",
    "first_seq",
    "last_seq",
    "attempts",
    "price_micros",
    "first_at_ms",
    "last_at_ms",
    "event_digests",
    "event_seqs",
    "event_ats_ms",
)


def is_repeated_denial(record: LedgerRecord) -> bool:
    """Say whether an entry is only one more attempt of somebody who is blocked, without any effect to explain."""
    return (
        record.kind == _DENIED
        and record.reason == _BLOCKED
        and record.decision == "denied"
        and record.event is not None
        and record.wallet_seq is None
        and not (record.blocks or record.rules or record.alerts or record.settings or record.states or record.lots)
    )


_DENIED, _BLOCKED = Kind.DENIED.value, Reason.BLOCKED.value


@dataclass(slots=True)
class _Attempts:
    first_seq: int
    first_at_ms: int
    last_seq: int = 0
    last_at_ms: int = 0
    price_micros: int = 0
    digests: list[str] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    ats_ms: list[int] = field(default_factory=list)


class Denials:
    """Repeated denials of one batch."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, str, str | None, str | None], _Attempts] = {}

    def add(self, record: LedgerRecord) -> None:
        """Count one attempt."""
        at_ms, event = record.applied_at_ms, record.event
        if event is None:
            raise ValueError("only attempts with an event are counted")
        key = (at_ms // HOUR_MS * HOUR_MS, record.customer, record.wallet, record.sender)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Attempts(record.seq, at_ms)
        group.last_seq, group.last_at_ms = record.seq, at_ms
        group.price_micros += record.price_micros or 0
        group.digests.append(event_digest(event.source, event.id))
        group.seqs.append(record.seq)
        group.ats_ms.append(at_ms)

    def rows(self, bucket: int) -> list[DenialRow]:
        """Return one row a customer, wallet, sender and hour."""
        return [
            (
                bucket,
                hour_ms,
                customer,
                wallet,
                sender,
                group.first_seq,
                group.last_seq,
                len(group.seqs),
                group.price_micros,
                group.first_at_ms,
                group.last_at_ms,
                group.digests,
                group.seqs,
                group.ats_ms,
            )
            for (hour_ms, customer, wallet, sender), group in self._groups.items()
        ]
