"""Where a bucket stands: one field of `meta`, in the form of lua/parts/head.lua. Leaves moving it to the scripts."""

from __future__ import annotations

from struct import Struct as Figures

from msgspec import Struct

from metering.contracts.entries import Position
from metering.ledger.layout import LAYOUT_VERSION

HEAD_FIELD = "head"
"""Of `meta`. One field, because each costs Redis as much as ten numbers in it."""

NOBODY_KNOWS, NEVER_DUE = -1, 2**53
"""When the soonest timer is due, of a bucket that was restored, and of one that has none."""

NO_SLOT = 2**32 - 1
"""Where nothing is remembered yet."""

_HEAD = Figures("<BqqIIIIIBBqqq")
_IDENTITY = Figures("<qqq")


class Head(Struct, frozen=True):
    """The last entry of a bucket: its seq and chunk, and the position after it. Chunk is empty before the first."""

    seq: int
    chunk: str
    position: Position

    def identity(self) -> bytes:
        """Return it as the stored head ends: equal bytes are the same head."""
        return _IDENTITY.pack(self.seq, self.position.usage, self.position.commands) + self.chunk.encode("ascii")

    @classmethod
    def of_identity(cls, identity: bytes) -> Head:
        """Return the head of an identity."""
        seq, usage, commands = _IDENTITY.unpack_from(identity)
        return cls(seq, identity[_IDENTITY.size :].decode("ascii"), Position(usage, commands))


class StoredHead(Struct, frozen=True):
    """All that the field has. Slots are `keys.slot_of` a clock; moments are Unix milliseconds."""

    layout: int
    due_ms: int
    """When the soonest timer is due; or one of the above."""
    clock_ms: int
    timers_run: int
    slot_oldest: int
    slot_newest: int
    ids_from: int
    """Before this slot no event is remembered; before the next no settled charge."""
    settled_from: int
    has_charges: bool
    """Whether there are any; then of blocked senders."""
    has_senders: bool
    head: Head

    @property
    def is_readable(self) -> bool:
        """Whether the bucket's records are in the layout of this program."""
        return self.layout == LAYOUT_VERSION

    @classmethod
    def of_field(cls, packed: bytes) -> StoredHead:
        """Return what the field says."""
        layout, due, clock, timers_run, oldest, newest, ids, settled, charges, senders, *_ = _HEAD.unpack_from(packed)
        head = Head.of_identity(packed[_HEAD.size - _IDENTITY.size :])
        return cls(layout, due, clock, timers_run, oldest, newest, ids, settled, bool(charges), bool(senders), head)
