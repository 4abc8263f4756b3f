"""Dead letters: input that cannot be understood, kept whole, and what became of it. Leaves deciding to the operator."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from metering.contracts.reasons import DeadLetterReason

RETRY_OF = "metering-retry-of"
"""Header of a record that was sent again: the key of the dead letter that it was."""


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
    retry_of: str | None = None
    """The record's key of the dead letter that this was when it was sent again."""


class Resolution(StrEnum):
    """What became of a dead letter."""

    RETRIED = "retried"
    """Its original was sent again, to its topic."""
    DROPPED = "dropped"


class DeadLetterResolution(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What became of a dead letter: stands behind it under its key. Without one it is open; the last one counts."""

    resolution: Resolution
    actor: str
    """Who decided."""
    reason: str | None = None
    """Why, in their words."""
    at_ms: int
    """Unix milliseconds, by the clock of who decided."""
    sent_to: str | None = None
    """Of what was sent again: where it stands, as topic-partition-offset."""


def letter_key(topic: str, partition: int, offset: int) -> str:
    """Return the key of a dead letter: where its original stands."""
    return f"{topic}-{partition}-{offset}"
