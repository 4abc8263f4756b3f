"""Dead letters: input that cannot be understood, kept whole. Leaves retrying to the operator."""

from __future__ import annotations

from msgspec import Struct

from metering.contracts.reasons import DeadLetterReason


class DeadLetter(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One record that could not become an input. Written at least once; topic, partition and offset identify it."""

    reason: DeadLetterReason
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """The record's log timestamp."""
    key: bytes | None = None
    """Base64, as the value."""
    value: bytes | None = None
