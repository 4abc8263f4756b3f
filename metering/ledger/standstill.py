"""Why a bucket stands still, kept in Redis until an operator lets it go on. Leaves stopping to the worker."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from metering.errors import Retryable
from metering.ledger.connection import REDIS_ERRORS
from metering.ledger.keys import stopped_key


class MissingRecords(Struct, frozen=True):
    """Offsets of an input topic that were deleted before they were read: from `first` up to before `next`."""

    topic: Literal["usage", "commands"]
    first: int
    next: int


class Acceptance(Struct, frozen=True):
    """An operator's word that a bucket shall go on without what is missing."""

    actor: str
    reason: str


class Standstill(Struct, frozen=True):
    """A bucket that was stopped: since when (Unix milliseconds), and what was found broken."""

    bucket: int
    since_ms: int
    why: str
    reason: str = "broken_invariant"
    """The same as a word: of the label `reason` of `metering_bucket_stops_total`."""
    missing: tuple[MissingRecords, ...] = ()
    accepted: Acceptance | None = None
    """Of `missing`: then the worker goes on, and ends the standstill once its position has moved past it."""


async def note_standstill(redis: Redis, standstill: Standstill) -> None:
    """Keep why a bucket stands still. Raises `Retryable`."""
    await _call(redis.set(stopped_key(standstill.bucket), msgspec.json.encode(standstill)))


async def read_standstill(redis: Redis, bucket: int) -> Standstill | None:
    """Return why a bucket stands still, None where it does not. Raises `Retryable`."""
    found = await _call(redis.get(stopped_key(bucket)))
    return msgspec.json.decode(found, type=Standstill) if found else None


async def accept_missing(redis: Redis, bucket: int, acceptance: Acceptance) -> Standstill | None:
    """Let a bucket go on without the records that it misses, and return which; None where it misses none."""
    standing = await read_standstill(redis, bucket)
    if standing is None or not standing.missing:
        return None
    accepted = msgspec.structs.replace(standing, accepted=acceptance)
    await note_standstill(redis, accepted)
    return accepted


async def end_standstill(redis: Redis, bucket: int) -> bool:
    """Let a bucket go on: its worker claims it anew within a second. False: it did not stand still."""
    return bool(await _call(redis.delete(stopped_key(bucket))))


async def _call(answer: Any) -> Any:
    try:
        return await answer
    except REDIS_ERRORS as error:
        raise Retryable(f"Redis did not answer: {error}") from error
