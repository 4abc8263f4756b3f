"""Names of a bucket's Redis keys. The bucket is the hash tag: all of it lives in one cluster slot."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

HOUR_MS = 3_600_000

SLOT_MS = 12 * HOUR_MS
"""How much log time one window slot covers. A window of 24 h keeps at most four slots, mostly three: a quarter more
memory than an exact window takes, and no work per id to forget it. Each slot is a look-up for each id and charge."""

SKEW_MS = 600_000
"""How far an event's own `time` may be ahead of the log: the window is kept that much longer."""


class Key(IntEnum):
    """Positions in KEYS; behind the last stand the slots."""

    META = 1
    OUTBOX = 2
    CUSTOMERS = 3
    WALLETS = 4
    CHARGES = 5
    SENDERS = 6
    TIMERS = 7
    COMMANDS = 8
    STATES = 9
    ZONES = 10
    NAMES = 11


class BucketKeys:
    """The keys of bucket `bucket`: eleven fixed ones, and two per slot of the window."""

    def __init__(self, bucket: int) -> None:
        tag = f"{{b{bucket}}}"
        self.meta = f"{tag}:meta"
        self.outbox = f"{tag}:outbox"
        self.customers = f"{tag}:customers"
        self.wallets = f"{tag}:wallets"
        self.charges = f"{tag}:charges"
        self.senders = f"{tag}:senders"
        self.timers = f"{tag}:timers"
        self.commands = f"{tag}:commands"
        self.states = f"{tag}:states"
        self.zones = f"{tag}:zones"
        self.names = f"{tag}:names"
        self._ids = f"{tag}:ids:"
        self._settled = f"{tag}:settled:"
        self.fixed: list[str] = [getattr(self, key.name.lower()) for key in Key]
        """What every script of state names, in the order of KEYS."""
        self._named: tuple[list[int], tuple[str, ...]] = ([], ())

    def of_apply(self, slots: list[int]) -> tuple[str, ...]:
        """Return all fixed keys and those of `slots`: the same objects as before, for twelve hours of log time."""
        if slots != self._named[0] or not self._named[1]:
            self._named = (slots, (*self.fixed, *self.slots(slots)))
        return self._named[1]

    def slots(self, numbers: Sequence[int]) -> list[str]:
        """Return the keys of remembered event ids, then those of settled charges, one each per slot number."""
        return [f"{self._ids}{n}" for n in numbers] + [f"{self._settled}{n}" for n in numbers]


def slot_of(clock_ms: int) -> int:
    """Return the number of the slot that a moment falls into."""
    return clock_ms // SLOT_MS


def oldest_live_slot(clock_ms: int, window_ms: int) -> int:
    """Return the oldest slot that still counts: one is live while (slot + 1) * SLOT_MS > clock - window - skew."""
    return (clock_ms - window_ms - SKEW_MS) // SLOT_MS


def slots_named(clock_first_ms: int, clock_last_ms: int, window_ms: int, slot_oldest: int) -> list[int]:
    """Return the slots that a call must name: all that are live for its inputs, and up to 8 dead ones to be dropped."""
    live = max(0, oldest_live_slot(clock_first_ms, window_ms))
    newest = slot_of(clock_last_ms)
    dead = list(range(slot_oldest, min(live, slot_oldest + 8))) if slot_oldest > 0 else []
    return dead + list(range(live, newest + 1))


def stopped_key(bucket: int) -> str:
    """Return the key under which it is kept why a bucket was stopped. Outside the state: a restore leaves it alone."""
    return f"{{b{bucket}}}:stopped"
