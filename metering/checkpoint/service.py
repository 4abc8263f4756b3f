"""The checkpointer process: reads `ledger`, keeps one writer a bucket. Leaves what is written to `writer`."""

from __future__ import annotations

from dataclasses import dataclass

from mode import Service

from metering.ledger.till import Windows


@dataclass(frozen=True, slots=True)
class CheckpointerOptions:
    """All that a checkpointer needs to know. The reasons for the values stand in the settings of the same names."""

    bootstrap: str
    dsn: str
    ledger_topic: str = "ledger"
    group: str = "metering-checkpointer"
    partitions: int | None = None
    """Refuse to start when the topic has another number; None: take what there is."""
    flush_seconds: float = 1.0
    flush_entries: int = 5_000
    buffered_entries_max: int = 50_000
    session_timeout_ms: int = 6_000
    fetch_max_wait_ms: int = 20
    windows: Windows = Windows()


class Checkpointer(Service):
    """Keeps the books of the buckets that the group assigns to it."""

    def __init__(self, options: CheckpointerOptions, metrics: object | None = None) -> None:
        super().__init__()
        self.options = options
        self.metrics = metrics
