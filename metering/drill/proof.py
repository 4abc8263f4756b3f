"""Reads back what a drill left behind, and says what is not as it must be. Leaves making it to `run`.

Others may use the system meanwhile: only the drill's own customers are judged, but for the ledger's numbers, which must
have no gap whoever's they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from redis.asyncio import Redis

from metering.checkpoint.database import Database
from metering.contracts.fields import MAIN_WALLET
from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.drill.traffic import DrillTraffic
from metering.ledger.live import BucketReader, balance_of
from metering.worker.kafka import Kafka
from metering.worker.partition_reader import open_partition

TOLD_MAX = 20
_BOOKS = "SELECT available_micros, held_micros, overdrawn_micros FROM wallets WHERE customer = $1 AND wallet = $2"
_SUMS = "SELECT coalesce(sum(amount_micros), 0)::bigint FROM entries WHERE customer = $1 AND wallet = $2"


class Proof(Struct):
    """What a drill came to; every number but `entries` must be 0."""

    entries: int = 0
    """Entries of the drill's customers."""
    lost: int = 0
    """Events and commands without an entry."""
    doubled: int = 0
    """Events and commands that took effect more than once."""
    gaps: int = 0
    """Entries, of anybody, that do not continue the ledger's numbers."""
    undecided: int = 0
    """Events that asked and were not decided, or differently from their entry."""
    drift: int = 0
    """Wallets on which Redis, Postgres, the entries' sums and the drill's own account do not agree."""
    problems: list[str] = []

    @property
    def is_exact(self) -> bool:
        """Whether all is as it must be."""
        return not (self.lost or self.doubled or self.gaps or self.undecided or self.drift)

    def tell(self, problem: str) -> None:
        """Keep a problem in words, of the first few."""
        if len(self.problems) < TOLD_MAX:
            self.problems.append(problem)


Starts = Mapping[Topic, Mapping[int, int]]
"""Where each partition of a topic stood before the drill."""


async def prove(kafka: Kafka, redis: Redis, database: Database, traffic: DrillTraffic, starts: Starts) -> Proof:
    """Read and judge. Changes nothing. Raises `Retryable` when something does not answer."""
    proof = Proof()
    entries = await _read_entries(kafka, traffic, starts[Topic.LEDGER], proof)
    _judge_effects(entries, traffic, proof)
    await _judge_decisions(kafka, entries, traffic, starts[Topic.DECISIONS], proof)
    await _judge_wallets(redis, database, entries, traffic, proof)
    return proof


async def _read_entries(
    kafka: Kafka, traffic: DrillTraffic, starts: Mapping[int, int], proof: Proof
) -> list[dict[str, Any]]:
    customers = set(traffic.customers)
    own: list[dict[str, Any]] = []
    for bucket, start in starts.items():
        last: tuple[int, str] | None = None
        async with open_partition(kafka, Topic.LEDGER, bucket, start) as ledger:
            async for record in ledger.records():
                entry = msgspec.json.decode(record.value or b"{}")
                seq, before = entry["seq"], (entry["seq"] - 1, entry["prev_chunk"])
                if last is not None and before != last:
                    # Without transactions repeats may stand in the topic, and readers pass over them.
                    if kafka.has_transactions or seq > last[0] + 1:
                        proof.gaps += 1
                        proof.tell(f"entry {entry['id']} does not follow {bucket}-{last[0]}")
                    if seq != last[0] + 1:
                        continue
                last = (seq, entry["chunk"])
                if entry.get("customer") in customers:
                    own.append(entry)
    proof.entries = len(own)
    return own


def _judge_effects(entries: list[dict[str, Any]], traffic: DrillTraffic, proof: Proof) -> None:
    seen: set[tuple[str, str]] = set()
    effects: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        if "due_at_ms" in entry:
            continue
        event, command = entry.get("event"), entry.get("command")
        identity = (event["source"], event["id"]) if event else (entry["customer"], command["id"] if command else "")
        seen.add(identity)
        effects[identity] += entry["kind"] != "duplicate"
    for source, name in sorted(traffic.sent - seen):
        proof.lost += 1
        proof.tell(f"{name} of {source} has no entry")
    for (source, name), count in effects.items():
        if count > 1:
            proof.doubled += count - 1
            proof.tell(f"{name} of {source} took effect {count} times")


async def _judge_decisions(
    kafka: Kafka, entries: list[dict[str, Any]], traffic: DrillTraffic, starts: Mapping[int, int], proof: Proof
) -> None:
    told: dict[str, set[str]] = defaultdict(set)
    for bucket, start in starts.items():
        async with open_partition(kafka, Topic.DECISIONS, bucket, start) as decisions:
            async for record in decisions.records():
                decision = msgspec.json.decode(record.value or b"{}")
                if decision["event_id"] in traffic.asked:
                    told[decision["event_id"]].add(decision["outcome"])
    taken = {entry["event"]["id"]: entry["decision"] for entry in entries if entry.get("decision")}
    for name in sorted(traffic.asked):
        if told[name] != {taken.get(name)}:
            proof.undecided += 1
            proof.tell(f"{name} was told {sorted(told[name]) or 'nothing'}, its entry says {taken.get(name)}")


async def _judge_wallets(
    redis: Redis, database: Database, entries: list[dict[str, Any]], traffic: DrillTraffic, proof: Proof
) -> None:
    sums: Counter[str] = Counter()
    for entry in entries:
        if entry.get("wallet") == MAIN_WALLET:
            sums[entry["customer"]] += entry.get("amount_micros", 0)
    async with database.connection() as connection:
        for customer in traffic.customers:
            bucket = partition_of(customer, len(traffic.askers))
            wallet = await BucketReader(redis, bucket).wallet(customer, MAIN_WALLET)
            live = balance_of(wallet) if wallet else None
            row = await connection.fetchrow(_BOOKS, customer, MAIN_WALLET)
            figures = (live.available_micros, live.held_micros, live.overdrawn_micros) if live else None
            balance = live.available_micros + live.held_micros if live else None
            booked = await connection.fetchval(_SUMS, customer, MAIN_WALLET)
            expected = traffic.balances.get(customer, sums[customer])
            if not (figures == (tuple(row) if row else None) and balance == booked == sums[customer] == expected):
                proof.drift += 1
                proof.tell(
                    f"{customer}: Redis {figures}, Postgres {tuple(row) if row else None}, entries {sums[customer]},"
                    f" entries in Postgres {booked}, must be {expected}"
                )
