"""The typed call of every script on one bucket. Leaves when to call which to the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec import Struct

from metering.ledger.bulk_records import count_of, make_part
from metering.ledger.chunk import Chunk, has_repeats
from metering.ledger.codes import Code
from metering.ledger.connection import REDIS_ERRORS, redis_error
from metering.ledger.functions import ScriptCaller, call_script
from metering.ledger.head import Head, StoredHead
from metering.ledger.keys import HOUR_MS, SKEW_MS, SLOT_MS, BucketKeys, oldest_live_slot, slot_of, slots_named
from metering.ledger.outbox import OutboxChunk, pack_fragments, read_outbox
from metering.ledger.records import BlocksByWallet, pack
from metering.ledger.restore_part import PartMaker
from metering.ledger.state import BlockState, BucketPosition, StateBatch
from metering.settings import LedgerSettings


class Windows(Struct, frozen=True):
    """How long repeats are recognised: of events (by the bucket's clock), and of commands. Milliseconds."""

    events_ms: int = 24 * HOUR_MS
    commands_ms: int = 7 * 24 * HOUR_MS

    @classmethod
    def of(cls, settings: LedgerSettings) -> Windows:
        """Return them as they are set."""
        return cls(settings.dedupe_window_hours * HOUR_MS, settings.command_window_days * 24 * HOUR_MS)


class LedgerEnd(Struct, frozen=True):
    """The last entry that counts in the ledger topic, and the offset after it. (0, "", 0) before the first."""

    seq: int
    chunk: str
    offset_next: int


class Agreed(Struct, frozen=True):
    """Redis agrees with the ledger; `outbox` is what the ledger does not have yet."""

    outbox: list[OutboxChunk]
    head: Head
    clock_ms: int


class Restore(Struct, frozen=True):
    """Redis and the ledger do not agree: restore from the books."""


class Lost(Struct, frozen=True):
    """The bucket is not ours, not loaded, or not as we left it: apply nothing new, finish publishing, claim."""


class Stale(Struct, frozen=True):
    """A customer's settings are not those that the chunk was priced with; nothing was written."""

    customer: str


class Applied(Struct, frozen=True):
    """The chunk is applied. `results` are packed, see `results.decode_results`; `next_due_ms` is the soonest timer."""

    results: bytes
    next_due_ms: int | None


class Repeated(Struct, frozen=True):
    """An earlier answer was lost; `outbox` is what was applied since the head that the caller knew."""

    outbox: list[OutboxChunk]
    head: Head


class Vitals(Struct, frozen=True):
    """Sizes of a bucket, for metrics."""

    charges_held: int
    outbox_chunks: int
    timers: int
    senders_blocked: int
    next_due_ms: int | None


class Till:
    """The scripts of bucket `bucket`. Every call raises `Retryable` when Redis does not answer.

    A call that raised may have taken effect: `apply` finds that out when it is called again with the same chunk.
    """

    def __init__(self, redis: ScriptCaller, bucket: int, windows: Windows | None = None) -> None:
        self.bucket = bucket
        self.windows = windows or Windows()
        self.keys = BucketKeys(bucket)
        self._redis = redis
        self._slot_oldest = 0

    async def claim(self, token: str) -> LedgerEnd | None:
        """Take the bucket. From then on no call with another token is served.

        Returns the last entry that Redis knows to be in the ledger: where to start reading when the books are away.
        """
        answer = await self._call("claim", [self.keys.meta], [token])
        self._slot_oldest = int(answer[1])
        return LedgerEnd(int(answer[2]), answer[3].decode(), int(answer[4])) if answer[4] else None

    async def compare(self, token: str, end: LedgerEnd) -> Agreed | Restore | Lost:
        """Compare with the ledger's effective end; where they agree, base moves there."""
        answer = await self._call(
            "compare", [self.keys.meta, self.keys.outbox], [token, end.seq, end.chunk, end.offset_next]
        )
        match answer[0]:
            case Code.RESTORE:
                return Restore()
            case Code.LOST:
                return Lost()
        stored = StoredHead.of_field(answer[2])
        self._slot_oldest = stored.slot_oldest
        return Agreed([read_outbox(record) for record in answer[1]], stored.head, stored.clock_ms)

    async def apply(self, token: str, head: Head, chunk_id: str, chunk: Chunk) -> Applied | Stale | Repeated | Lost:
        """Apply a chunk after `head`. Called again with the same arguments it applies nothing a second time."""
        windows = self.windows
        slots = (
            slots_named(chunk.clock_first_ms, chunk.clock_last_ms, windows.events_ms, self._slot_oldest)
            if chunk.carried
            else []
        )
        # In the order of lua/parts/header.lua, which unpacks the values one by one: names would cost it twice as much.
        header = pack(
            (
                chunk_id,
                chunk.end.usage,
                chunk.end.commands,
                self.bucket,
                SLOT_MS,
                windows.events_ms + SKEW_MS,
                windows.commands_ms,
                len(chunk.carried),
                chunk.clock_last_ms,
                has_repeats(chunk.digests),
                chunk.zones or False,
                chunk.more or False,
                len(chunk.digests),
                len(chunk.wallet_keys),
                len(chunk.charge_keys),
                len(chunk.sender_keys),
                len(chunk.state_keys),
                len(chunk.customers),
                len(slots),
                chunk.digests,
                chunk.wallet_keys,
                chunk.wallet_names,
                chunk.charge_keys,
                chunk.sender_keys,
                chunk.state_keys,
                chunk.customers,
                chunk.policies,
                slots,
            )
        )
        expected = Head(head.seq, head.chunk, chunk.start).identity()
        answer = await self._call(
            "apply",
            self.keys.of_apply(slots),
            [token, expected, header, chunk.inputs, pack_fragments(chunk.carried_json)],
        )
        match answer[0]:
            case Code.OK:
                if slots:
                    live = max(0, oldest_live_slot(chunk.clock_last_ms, windows.events_ms))
                    self._slot_oldest = max(slots[0], live)
                return Applied(answer[1], answer[2] if answer[2] >= 0 else None)
            case Code.STALE:
                return Stale(chunk.customers[int(answer[1]) - 1])
            case Code.REPEATED:
                return Repeated([read_outbox(record) for record in answer[1]], Head.of_identity(answer[2]))
        return Lost()

    async def restore(
        self,
        token: str,
        position: BucketPosition,
        offset_next: int,
        blocks: Sequence[BlockState],
        batches: AsyncIterator[StateBatch],
    ) -> int | Lost:
        """Load the bucket from the books; usable only when it has all arrived. Returns the number of records.

        `offset_next` is the ledger's offset after the position's entry. `blocks` are all the bucket's blocks; they come
        in the batches as well. Interrupted, the bucket stays unusable
        until it is restored again from the start.
        """
        oldest = max(0, oldest_live_slot(position.clock_ms, self.windows.events_ms))
        slots = list(range(oldest, slot_of(position.clock_ms) + 1)) if position.clock_ms else []
        if not await self._restore_begin(token, slots):
            return Lost()
        maker = PartMaker(slots, BlocksByWallet(blocks), self.windows.commands_ms)
        keys = self.keys.fixed + self.keys.slots(slots)
        parts = records = 0
        async for batch in batches:
            arguments = make_part(maker, batch).arguments()
            answer = await self._call("restore_chunk", keys, [token, parts + 1, *arguments])
            if answer[0] != Code.OK:
                return Lost()
            parts += 1
            records += count_of(batch)
        answer = await self._call(
            "restore_end",
            keys,
            [
                token,
                parts,
                position.seq,
                position.chunk,
                position.usage,
                position.commands,
                position.clock_ms,
                position.timers_run,
                slots[0] if slots else 0,
                slots[-1] if slots else 0,
                offset_next,
            ],
        )
        if answer[0] != Code.OK:
            return Lost()
        self._slot_oldest = slots[0] if slots else 0
        return records

    async def forget(self, token: str) -> bool:
        """Take the bucket with a new `token` and empty it; its owner restores it from the books at its next call.

        What was applied and not published is in the owner's memory, or applied again from the log: as when Redis is
        lost. Interrupted, nothing has happened or all of it. False: another has taken the bucket meanwhile.
        """
        await self.claim(token)
        return await self._restore_begin(token, [])

    async def trim(self, token: str, end: LedgerEnd) -> bool:
        """Drop from the outbox what the ledger holds up to `end`. False: lost, or another history stands there."""
        answer = await self._call(
            "trim", [self.keys.meta, self.keys.outbox], [token, end.seq, end.chunk, end.offset_next]
        )
        return bool(answer[0] == Code.OK)

    async def probe(self, token: str, head: Head) -> Vitals | Lost:
        """Ask whether the bucket is still as its owner left it."""
        keys, position = self.keys, head.position
        answer = await self._call(
            "probe",
            [keys.meta, keys.outbox, keys.charges, keys.timers, keys.senders],
            [token, head.seq, head.chunk, position.usage, position.commands],
        )
        if answer[0] != Code.OK:
            return Lost()
        charges, outbox, timers, senders = (int(count) for count in answer[1:5])
        return Vitals(charges, outbox, timers, senders, int(float(answer[5])) if answer[5] else None)

    async def _restore_begin(self, token: str, slots: list[int]) -> bool:
        oldest, newest = (slots[0], slots[-1]) if slots else (0, -1)
        while True:
            # What is there may be far from what comes: a bucket of an older layout counted its slots otherwise.
            named = sorted({*slots, *range(oldest, newest + 1)})
            keys = self.keys.fixed + self.keys.slots(named)
            answer = await self._call("restore_begin", keys, [token, oldest, newest])
            if answer[0] != Code.SLOTS:
                return bool(answer[0] == Code.OK)
            oldest, newest = int(answer[1]), int(answer[2])

    async def _call(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> list[Any]:
        try:
            answer: list[Any] = await call_script(self._redis, name, keys, args)
        except REDIS_ERRORS as error:
            raise redis_error(error, f"{name} of bucket {self.bucket}") from error
        return answer
