"""Puts right what `reconcile` finds between Redis and the books, adding entries and changing none.

The ledger is the truth and is never edited. The buckets of the wallets that differ are restored from it, by the way
that a lost Redis takes. What Redis showed beyond that was in no entry; where it shall hold all the same, an `adjust`
command says so, with actor and reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from metering.checkpoint.database import Database
from metering.checkpoint.reconcile import Difference, Reconciliation
from metering.checkpoint.statement import balances
from metering.cli.asking import ask
from metering.cli.kafka import count_buckets
from metering.cli.output import note
from metering.cli.reconciling import reconcile_all
from metering.contracts.commands import Adjust
from metering.contracts.partitioning import partition_of
from metering.errors import Retryable
from metering.ledger.connection import connect_redis
from metering.ledger.identity import fresh_token
from metering.ledger.live import BucketReader
from metering.ledger.till import Till
from metering.settings import Settings

REPAIRED_MAX = 10_000
"""Wallets put right in one go; with more, Redis is better emptied as a whole."""

RESTORED_SECONDS_MAX = 120.0
LOOK_AGAIN_SECONDS = 0.2

_OF_THE_TILL = ("figures", "lots", "lost")


class Repair(Struct, frozen=True):
    """What was done, and what reconciling says after it."""

    restored_buckets: list[int]
    adjusted: int
    """Entries that were added."""
    refused: list[str]
    after: Reconciliation


async def repair(settings: Settings, keep: Literal["ledger", "redis"], actor: str, reason: str) -> Repair:
    """Restore what differs in Redis from the books; with `redis`, add the entries that make its balances true again.

    1. Reconcile. 2. Say which commands will be sent: interrupted after this, they can be sent with `metering command`,
    and no repeat counts twice. 3. Empty the buckets; their workers restore them. 4. Send the commands. 5. Reconcile.

    Raises `Retryable` when a dependency is away, or no worker restores a bucket.
    """
    found = await reconcile_all(settings, REPAIRED_MAX)
    wrong = [difference for difference in found.differing if difference.what in _OF_THE_TILL]
    buckets = await count_buckets(settings.kafka)
    emptied = sorted({partition_of(difference.customer, buckets) for difference in wrong})
    commands = await _adjustments(settings, wrong, actor, reason) if keep == "redis" else []
    for command in commands:
        note(command.decode())
    async with connect_redis(settings.redis.url) as redis:
        await asyncio.gather(*(_restore(redis, bucket) for bucket in emptied))
    results = [result async for result in ask(settings.kafka, commands)]
    refused = [r.problem or str(r.answer) for r in results if r.answer is None or r.answer.outcome != "done"]
    return Repair(emptied, len(commands) - len(refused), refused, await reconcile_all(settings))


async def _adjustments(settings: Settings, wrong: Sequence[Difference], actor: str, reason: str) -> list[bytes]:
    """Return the commands that add to the ledger what Redis has beyond it."""
    database = Database(settings.postgres.dsn)
    commands = []
    try:
        for difference in wrong:
            micros = _balance(difference.live) - _balance(difference.books)
            if difference.what != "figures" or micros == 0:
                continue
            units = {b.wallet: b.unit for b in await balances(database, difference.customer)}
            command = Adjust(
                id=_command_id(difference),
                customer=difference.customer,
                actor=actor,
                reason=reason,
                amount_micros=micros,
                unit=units[difference.wallet],
                wallet=difference.wallet,
            )
            commands.append(msgspec.json.encode(command))
    finally:
        await database.close()
    return commands


def _balance(figures: dict[str, int]) -> int:
    return figures.get("available_micros", 0) + figures.get("held_micros", 0)


def _command_id(difference: Difference) -> str:
    """Return an id that the same difference, found again, has again."""
    told = msgspec.json.encode((difference.wallet, difference.live, difference.books))
    return f"reconcile-{blake2b(told, digest_size=12).hexdigest()}"


async def _restore(redis: Redis, bucket: int) -> None:
    """Empty a bucket and wait until its worker has restored it."""
    till, reader = Till(redis, bucket), BucketReader(redis, bucket)
    deadline = time.monotonic() + RESTORED_SECONDS_MAX
    while not await till.forget(fresh_token()):
        # Its owner saw that it was taken, and took it back before it was empty.
        if time.monotonic() > deadline:
            raise Retryable(f"bucket {bucket} was claimed at the same moment, again and again: run it later")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    while not (await reader.status()).loaded:
        if time.monotonic() > deadline:
            raise Retryable(f"no worker restores bucket {bucket}: it will be, as soon as one and a checkpointer run")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
