"""One bucket on a real Valkey, called script by script, and taken back in time. Leaves judging to the scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from redis.asyncio import Redis

from metering.contracts.entries import InputReference, Position
from metering.ledger.carried import Carried
from metering.ledger.chunk import Chunk
from metering.ledger.codes import Op
from metering.ledger.gathering import CustomerPolicy
from metering.ledger.head import HEAD_FIELD, Head
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.layout import LAYOUT_VERSION
from metering.ledger.live import BucketReader
from metering.ledger.made import EntryMade, make_entries
from metering.ledger.outbox import ELEMENTS, read_outbox
from metering.ledger.plan_codes import OnPlanChange
from metering.ledger.results import decode_results
from metering.ledger.state import BucketPosition, StateRecord
from metering.ledger.till import Applied, LedgerEnd, Lost, Repeated, Stale, Till

CLOCK_MS = 1_767_225_600_000
START = Head(0, "", Position(0, 0))
EMPTY = BucketPosition(0, "", 0, 0, 0, 0)


class Owner:
    """A worker that believes the bucket to be its own: a token, and the head as it knows it."""

    def __init__(self, bench: Bench, token: str, head: Head) -> None:
        self.bench = bench
        self.token = token
        self.head = head

    async def top_up(
        self, micros: int, *, version: int = 1, chunk_id: str | None = None
    ) -> list[EntryMade] | Lost | Stale:
        """Apply one top-up after the head; what was applied moves the head."""
        chunk_id = chunk_id or fresh_chunk_id()
        chunk = self._chunk(Op.TOP_UP, (micros, "USD", "fro", 0, 1, 0), version)
        answer = await self.bench.till.apply(self.token, self.head, chunk_id, chunk)
        match answer:
            case Applied():
                results = decode_results(answer.results)
                made = list(make_entries(0, self.head.seq + 1, chunk_id, self.head.chunk, results, chunk.carried))
                self.head = Head(self.head.seq + len(made), chunk_id, chunk.end)
                return made
            case Repeated():
                made = [one for record in answer.outbox for one in record.entries(0, self.head.seq)]
                self.head = answer.head
                return made
        return answer

    async def pass_over(self) -> Lost | None:
        """Move the position over a record that becomes no entry, such as a dead letter."""
        position = self.head.position
        end = Position(position.usage + 1, position.commands)
        answer = await self.bench.till.apply(
            self.token, self.head, fresh_chunk_id(), ChunkBuilder(position).finish(end)
        )
        if isinstance(answer, Applied):
            self.head = Head(self.head.seq, self.head.chunk, end)
            return None
        assert isinstance(answer, Lost)
        return answer

    async def open_customer(self) -> None:
        """Open the customer whose wallet is topped up."""
        chunk = self._chunk(Op.OPEN_CUSTOMER, ("payg-usd", "USD", "UTC", "", [], 1, 0, "nro", 0), 0)
        chunk_id = fresh_chunk_id()
        answer = await self.bench.till.apply(self.token, self.head, chunk_id, chunk)
        assert isinstance(answer, Applied)
        self.head = Head(self.head.seq + 1, chunk_id, chunk.end)

    async def change_settings(self) -> None:
        """Put the customer on its plan once more: the version of its settings goes up."""
        fields: tuple[object, ...] = (
            "payg-usd",
            "USD",
            1,
            0,
            "nro",
            0,
            OnPlanChange.KEEP_TO_CYCLE_END.value,
            *[[]] * 4,
        )
        chunk = self._chunk(Op.SET_PLAN, fields, 1)
        chunk_id = fresh_chunk_id()
        answer = await self.bench.till.apply(self.token, self.head, chunk_id, chunk)
        assert isinstance(answer, Applied)
        self.head = Head(self.head.seq + 1, chunk_id, chunk.end)

    def _chunk(self, op: Op, fields: tuple[object, ...], version: int) -> Chunk:
        position = self.head.position
        end = Position(position.usage, position.commands + 1)
        where = InputReference("commands", 0, position.commands)
        carried = Carried(position=end, applied_at_ms=CLOCK_MS, input=where, customer="acme")
        builder = ChunkBuilder(position)
        wallet = "main" if op is Op.TOP_UP else None
        name = f"{op.name}-{position.commands}"
        builder.command(op, CLOCK_MS, carried, CustomerPolicy(version), name, *fields, wallet=wallet)
        return builder.finish(end)


class Bench:
    """The bucket, its owners, and its past."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._plain: Any = redis  # redis-py's types know no client that answers in bytes
        self.till = Till(redis, 0)

    async def first_owner(self) -> Owner:
        """An owner of a bucket in which a customer is open: its head is entry 1, and the ledger has it."""
        owner = await self.claim(START)
        assert await self.till.restore(owner.token, EMPTY, 0, [], parts_of()) == 0
        await owner.open_customer()
        assert await self.till.trim(owner.token, end_of(owner.head))
        return owner

    async def claim(self, head: Head) -> Owner:
        """Take the bucket with a new token, without comparing anything."""
        token = fresh_token()
        await self.till.claim(token)
        return Owner(self, token, head)

    async def balance(self) -> int:
        """What the wallet has."""
        wallet = await BucketReader(self.redis, 0).wallet("acme", "main")
        return sum(lot.remaining_micros for lot in wallet.lots) if wallet else 0

    async def outbox_seqs(self) -> list[int]:
        """The entries that are in the outbox."""
        elements = await self._plain.lrange(self.till.keys.outbox, 0, -1)
        records = [read_outbox(elements[n : n + ELEMENTS]) for n in range(0, len(elements), ELEMENTS)]
        return [seq for record in records for seq in range(record.first_seq, record.last_seq + 1)]

    async def base_chunk(self) -> str:
        """The chunk of the last entry that the ledger is known to have."""
        chunk: bytes = await self._plain.hget(self.till.keys.meta, "base_chunk")
        return chunk.decode()

    async def leave_in_another_layout(self) -> None:
        """Have the head say that an older version has written the records."""
        meta = self.till.keys.meta
        head: bytes = await self._plain.hget(meta, HEAD_FIELD)
        await self._plain.hset(meta, HEAD_FIELD, bytes((LAYOUT_VERSION - 1,)) + head[1:])

    async def snapshot(self) -> dict[bytes, bytes]:
        """All keys as they are now."""
        return {key: await self._plain.dump(key) for key in await self._plain.keys()}

    async def go_back(self, snapshot: dict[bytes, bytes]) -> None:
        """Take the server back to a snapshot, as a restart from an old file would."""
        await self.redis.flushall()
        for key, value in snapshot.items():
            await self.redis.restore(key, 0, value)


def end_of(head: Head) -> LedgerEnd:
    """The ledger's end where `head` is its last entry."""
    return LedgerEnd(head.seq, head.chunk, head.seq)


async def parts_of(*parts: Sequence[StateRecord]) -> AsyncIterator[Sequence[StateRecord]]:
    """The state to restore, part by part."""
    for part in parts:
        yield part
