"""Reads of live state for people and checks: balances, holds, blocks, settings.

Never writes; a read may be a moment old.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from metering.contracts.entries import CustomerSettings, Position
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.states import NumbersState, State
from metering.errors import Retryable
from metering.ledger.codes import StateKind
from metering.ledger.connection import REDIS_ERRORS
from metering.ledger.functions import ScriptCaller
from metering.ledger.head import HEAD_FIELD, Head, StoredHead
from metering.ledger.identity import scoped, state_field
from metering.ledger.keys import BucketKeys
from metering.ledger.outbox import ELEMENTS
from metering.ledger.state import BlockState, ChargeState, WalletState
from metering.ledger.states import read_state
from metering.ledger.stored import (
    read_charge,
    read_sender,
    read_settings,
    read_wallet,
    read_wallet_block,
)

NUMBERS_ID = "all"
"""The id of the record of a customer's numbers."""


class BucketStatus(Struct, frozen=True):
    """Where a bucket stands in Redis. `loaded` False: it waits to be restored."""

    bucket: int
    loaded: bool
    seq: int
    chunk: str
    position: Position
    clock_ms: int
    outbox_chunks: int
    charges_held: int
    timers: int


class BucketReader:
    """Live reads of one bucket. Every call raises `Retryable` when Redis does not answer.

    Settings are read through `calls`, where they are given: with what other buckets ask for at the same moment.
    """

    def __init__(self, redis: Redis, bucket: int, calls: ScriptCaller | None = None) -> None:
        self.bucket = bucket
        self._redis = redis
        self._calls: ScriptCaller = calls or redis
        self._keys = BucketKeys(bucket)

    async def settings(self, customers: Sequence[str]) -> list[CustomerSettings | None]:
        """Return each customer's settings, None where it is unknown."""
        asked = self._calls.execute_command("HMGET", self._keys.customers, *customers) if customers else None
        packed = await self._read(asked) if asked else []
        return [read_settings(record) if record else None for record in packed]

    async def wallets(self, customer: str) -> list[WalletState]:
        """Return a customer's wallets, by name."""
        others = await self._read(
            self._redis.zrangebylex(self._keys.names, f"({scoped(customer, '')}", f"({customer}\x01")
        )
        fields = [scoped(customer, MAIN_WALLET), *(name.decode() for name in others)]
        packed = await self._read(self._redis.hmget(self._keys.wallets, fields))
        found = (read_wallet(field, record) for field, record in zip(fields, packed, strict=True) if record)
        return sorted(found, key=lambda wallet: wallet.wallet)

    async def states(self, customer: str) -> list[State]:
        """Return a customer's records beside wallets and charges, by kind and id."""
        found = await self._matching(self._keys.states, scoped(customer, ""))
        return [read_state(field, found[field])[1] for field in sorted(found)]

    async def numbers(self, customer: str) -> tuple[tuple[str, str], ...]:
        """Return a customer's phone numbers with their types, in the order in which they came."""
        field = state_field(customer, StateKind.NUMBERS, NUMBERS_ID)
        packed = await self._read(self._redis.hget(self._keys.states, field))
        state = read_state(field, packed)[1] if packed else None
        return state.numbers if isinstance(state, NumbersState) else ()

    async def charges_held(self, customer: str) -> list[ChargeState]:
        """Return a customer's open holds, by charge."""
        found = await self._matching(self._keys.charges, scoped(customer, ""))
        return sorted((read_charge(k, v) for k, v in found.items()), key=lambda held: held.charge.id)

    async def blocks(self, customer: str) -> list[BlockState]:
        """Return the blocks of a customer's wallets and senders, oldest first."""
        prefix = scoped(customer, "")
        wallets = await self._matching(self._keys.wallets, prefix)
        senders = await self._matching(self._keys.senders, prefix)
        found = [block for k, v in wallets.items() if (block := read_wallet_block(k, v))]
        found += [read_sender(k, v) for k, v in senders.items()]
        return sorted(found, key=lambda block: (block.since_seq, block.level, block.id))

    async def scan_wallets(self, count: int = 1_000) -> AsyncIterator[WalletState]:
        """Yield every wallet of the bucket at least once, in no order, `count` a call."""
        async for key, record in self._scan(self._keys.wallets, count):
            yield read_wallet(key, record)

    async def scan_charges(self, count: int = 1_000) -> AsyncIterator[ChargeState]:
        """Yield every open hold of the bucket, in no order."""
        async for key, record in self._scan(self._keys.charges, count):
            yield read_charge(key, record)

    async def scan_senders(self, count: int = 1_000) -> AsyncIterator[BlockState]:
        """Yield every blocked sender of the bucket, in no order."""
        async for key, record in self._scan(self._keys.senders, count):
            yield read_sender(key, record)

    async def wallet(self, customer: str, wallet: str) -> WalletState | None:
        """Return one wallet, None where there is none."""
        key = scoped(customer, wallet)
        record = await self._read(self._redis.hget(self._keys.wallets, key))
        return read_wallet(key, record) if record else None

    async def status(self) -> BucketStatus:
        """Return where the bucket stands."""
        keys = self._keys
        # Not a pipeline: the cluster's would go on asking a node that is lost.
        packed = await self._read(self._redis.hget(keys.meta, HEAD_FIELD))
        outbox = await self._read(self._redis.llen(keys.outbox))
        charges = await self._read(self._redis.hlen(keys.charges))
        timers = await self._read(self._redis.zcard(keys.timers))
        stored = StoredHead.of_field(packed) if packed else None
        if stored is not None and not stored.is_readable:
            stored = None
        head = stored.head if stored else Head(0, "", Position(0, 0))
        return BucketStatus(
            bucket=self.bucket,
            loaded=stored is not None,
            seq=head.seq,
            chunk=head.chunk,
            position=head.position,
            clock_ms=stored.clock_ms if stored else 0,
            outbox_chunks=outbox // ELEMENTS,
            charges_held=charges,
            timers=timers,
        )

    async def _matching(self, key: str, prefix: str) -> dict[str, bytes]:
        pattern = "".join(f"\\{char}" if char in "*?[]\\^-" else char for char in prefix) + "*"
        found: dict[str, bytes] = {}
        cursor = 0
        while True:
            cursor, page = await self._read(self._redis.hscan(key, cursor, match=pattern, count=10_000))
            found.update({field.decode(): record for field, record in page.items()})
            if cursor == 0:
                return found

    async def _scan(self, key: str, count: int) -> AsyncIterator[tuple[str, bytes]]:
        cursor = 0
        while True:
            cursor, page = await self._read(self._redis.hscan(key, cursor, count=count))
            for field, record in page.items():
                yield field.decode(), record
            if cursor == 0:
                return

    async def _read(self, answer: Any) -> Any:
        try:
            return await answer
        except REDIS_ERRORS as error:
            raise Retryable(f"Redis did not answer a read of bucket {self.bucket}: {error}") from error


class Balance(Struct, frozen=True):
    """The figures of a wallet for people, micro-units of `unit`."""

    wallet: str
    unit: str
    available_micros: int
    held_micros: int
    overdrawn_micros: int


def balance_of(wallet: WalletState) -> Balance:
    """Return the figures of a wallet: available = lots - overdrawn - held."""
    held = sum(lot.held_micros for lot in wallet.lots) + wallet.held_over_micros
    credit = sum(lot.remaining_micros for lot in wallet.lots)
    return Balance(wallet.wallet, wallet.unit, credit - wallet.overdrawn_micros - held, held, wallet.overdrawn_micros)


def as_json(balance: Balance) -> dict[str, Any]:
    """Return a balance as plain JSON values."""
    plain: dict[str, Any] = msgspec.to_builtins(balance)
    return plain
