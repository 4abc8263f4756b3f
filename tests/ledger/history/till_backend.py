"""Drives the real Lua on a real Valkey with the model's inputs. Leaves comparing to the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, cast

import msgspec
from redis.asyncio import Redis

from metering.contracts.entries import LedgerEntry, Position
from metering.ledger.gathering import UNKNOWN, CustomerPolicy
from metering.ledger.head import HEAD_FIELD, NEVER_DUE, NO_SLOT, NOBODY_KNOWS, Head, StoredHead
from metering.ledger.identity import fresh_chunk_id, fresh_token
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.live import BucketReader
from metering.ledger.made import make_entries
from metering.ledger.results import decode_results
from metering.ledger.state import BlockState, BucketPosition, StateRecord
from metering.ledger.till import Applied, LedgerEnd, Till
from tests.ledger.history.plan_requests import Has
from tests.ledger.history.requests import add_input, carried_of, policy_of
from tests.ledger_model import inputs as model
from tests.ledger_model.number_inputs import AddNumber, RemoveNumber
from tests.ledger_model.plan_state import Plan
from tests.ledger_model.user_inputs import PutUser

NOWHERE = BucketPosition(seq=0, chunk="", usage=0, commands=0, clock_ms=0, timers_run=0)
RECORDS_PER_PART = 3
"""So few that even a small state comes in several parts."""


class TillBackend:
    """One bucket, its only owner. `entries` are all that were made since it was opened."""

    def __init__(self, redis: Redis, plans: dict[str, Plan], bucket: int = 0) -> None:
        self.plans = plans
        self.reader = BucketReader(redis, bucket)
        self.entries: list[LedgerEntry] = []
        self.values: list[bytes] = []
        """The entries as they go to the ledger."""
        self.clock = 0
        self.having: dict[str, Has] = {}
        self.known: dict[str, Plan] = {}
        self._redis = redis
        self._till = Till(redis, bucket)
        self._token = ""
        self._head = Head(0, "", Position(0, 0))

    async def open(
        self,
        position: BucketPosition = NOWHERE,
        records: Sequence[StateRecord] = (),
        *,
        over_what_is_there: bool = False,
    ) -> None:
        """Claim the bucket and load it, in an emptied server or over what is there."""
        if not over_what_is_there:
            await self._redis.flushall()
        self._token = fresh_token()
        await self._till.claim(self._token)
        blocks = [record for record in records if isinstance(record, BlockState)]
        loaded = await self._till.restore(self._token, position, position.seq, blocks, _in_parts(records))
        assert loaded == len(records)
        self._head = Head(position.seq, position.chunk, Position(position.usage, position.commands))
        self.clock = position.clock_ms

    async def apply(self, *inputs: model.Input) -> list[LedgerEntry]:
        """Apply inputs as one chunk, cut only where settings change. Returns their entries."""
        made: list[LedgerEntry] = []
        for chunk in cut_at_settings(inputs):
            made += await self._apply_chunk(chunk)
        self.entries += made
        return made

    @property
    def is_open(self) -> bool:
        """Whether the bucket has been claimed."""
        return self._token != ""

    async def timers(self) -> dict[str, int]:
        """The timers that are set, by name."""
        found: Any = await self._redis.zrange(self._till.keys.timers, 0, -1, withscores=True)
        return {name.decode(): int(due) for name, due in found}

    async def check_head(self) -> None:
        """Hold what the head says is there against what is: a call reads nothing of what it says is not."""
        redis, keys = cast("Any", self._redis), self._till.keys
        stored = StoredHead.of_field(await redis.hget(keys.meta, HEAD_FIELD))
        assert stored.head == self._head
        assert stored.has_charges == bool(await redis.exists(keys.charges))
        assert stored.has_senders == bool(await redis.exists(keys.senders))
        soonest = await redis.zrange(keys.timers, 0, 0, withscores=True)
        assert stored.due_ms in {NOBODY_KNOWS, int(soonest[0][1]) if soonest else NEVER_DUE}
        for kind, oldest in (("ids", stored.ids_from), ("settled", stored.settled_from)):
            found = await redis.keys(f"{{b{self.reader.bucket}}}:{kind}:*")
            assert min((int(key.rsplit(b":", 1)[1]) for key in found), default=NO_SLOT) >= oldest

    async def _apply_chunk(self, inputs: Sequence[model.Input]) -> list[LedgerEntry]:
        policies = await self._policies(inputs)
        position = self._head.position
        builder = ChunkBuilder(position)
        for given in inputs:
            self.clock = max(self.clock, given.at)
            carried = carried_of(given, self.clock, position, self.known)
            policy, plan = policies.get(carried.customer, UNKNOWN), self.known.get(carried.customer)
            has = self.having.get(carried.customer, Has())
            add_input(builder, given, carried, policy, self.plans, plan, has)
            position = carried.position
        chunk_id, chunk = fresh_chunk_id(), builder.finish(position)
        answer = await self._till.apply(self._token, self._head, chunk_id, chunk)
        assert isinstance(answer, Applied), answer
        made = list(
            make_entries(
                self.reader.bucket,
                self._head.seq + 1,
                chunk_id,
                self._head.chunk,
                decode_results(answer.results),
                chunk.carried,
                chunk.carried_json,
                chunk.digests,
            )
        )
        for one in made:
            # However an entry was made, its bytes are those of the general way.
            effect, about = msgspec.json.encode(one.effect), msgspec.json.encode(one.carried)
            assert one.value == effect[:-1] + b"," + about[1:]
        head_chunk = chunk_id if made else self._head.chunk
        self._head = Head(self._head.seq + len(made), head_chunk, position)
        await self._till.trim(self._token, LedgerEnd(self._head.seq, self._head.chunk, self._head.seq))
        self.values += [entry.value for entry in made]
        return [msgspec.json.decode(entry.value, type=LedgerEntry) for entry in made]

    async def _policies(self, inputs: Iterable[model.Input]) -> dict[str, CustomerPolicy]:
        names = sorted({given.customer for given in inputs if not isinstance(given, model.Tick)})
        policies = {}
        for name, settings in zip(names, await self.reader.settings(names), strict=True):
            if settings is not None:
                plan = self.plans[settings.plan]
                self.known[name] = plan
                self.having[name] = Has(settings.equipment, await self.reader.numbers(name))
                policies[name] = policy_of(settings.version, plan)
        return policies


SETTINGS = (
    model.OpenCustomer
    | model.SetPlan
    | model.SetOptions
    | model.SetWalletMode
    | model.PutLimit
    | PutUser
    | AddNumber
    | RemoveNumber
)


def cut_at_settings(inputs: Sequence[model.Input]) -> list[list[model.Input]]:
    """A settings command ends its chunk: what follows must be priced anew."""
    chunks: list[list[model.Input]] = [[]]
    for given in inputs:
        chunks[-1].append(given)
        if isinstance(given, SETTINGS):
            chunks.append([])
    return [chunk for chunk in chunks if chunk]


async def _in_parts(records: Sequence[Any]) -> AsyncIterator[Sequence[StateRecord]]:
    for first in range(0, len(records), RECORDS_PER_PART):
        yield records[first : first + RECORDS_PER_PART]
