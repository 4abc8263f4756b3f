"""Everything that a run left behind, read once: topics and both stores. Leaves judging it to `verifier`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from metering.checkpoint.database import Database
from metering.ledger.live import BucketReader, balance_of
from tests.end_to_end.system import PARTITIONS, System
from tests.end_to_end.topics import Read, read_topic

Wallet = tuple[str, str]
"""Customer and wallet."""
Figures = tuple[int, int, int]
"""Available, held, overdrawn."""

TOPICS = ("usage", "commands", "ledger", "decisions", "answers", "alerts", "blocked-senders", "dead-letters")


@dataclass
class Evidence:
    """Records of each topic, entries that count, and the wallets as each store has them."""

    exactly_once: bool
    topics: dict[str, list[Read]]
    entries: dict[int, list[dict[str, Any]]]
    """Of each bucket, those that count by the readers' rule."""
    dropped: list[str]
    """Records of the ledger that do not count: `bucket-seq` of each."""
    live: dict[Wallet, Figures]
    books: dict[Wallet, Figures]
    book_sums: dict[Wallet, tuple[int, int]]
    """Sums over the entries in the books: balance and held."""
    book_seqs: dict[int, int]
    live_blocks: set[tuple[str, str, str]] = field(default_factory=set)
    book_blocks: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def all_entries(self) -> list[dict[str, Any]]:
        """Entries of all buckets."""
        return [entry for entries in self.entries.values() for entry in entries]

    def entries_of(self, event_id: str) -> list[dict[str, Any]]:
        """Entries of an event or a command."""
        return [
            entry
            for entry in self.all_entries
            if (entry.get("event") or entry.get("command") or {}).get("id") == event_id
        ]

    def values(self, topic: str) -> list[dict[str, Any]]:
        """Values of a topic."""
        return [read.value for read in self.topics[topic]]


async def collect(system: System) -> Evidence:
    """Read it all. Nothing may be running that still changes it."""
    topics = {name: await read_topic(system, name) for name in TOPICS}
    entries, dropped = _count(topics["ledger"])
    evidence = Evidence(system.stack.has_transactions, topics, entries, dropped, {}, {}, {}, {})
    for bucket in range(PARTITIONS):
        reader = BucketReader(system.redis, bucket)
        async for wallet in reader.scan_wallets():
            figures = balance_of(wallet)
            evidence.live[wallet.customer, wallet.wallet] = (
                figures.available_micros,
                figures.held_micros,
                figures.overdrawn_micros,
            )
        async for block in reader.scan_senders():
            evidence.live_blocks.add((block.customer, block.level, block.id))
    await _read_books(system.database, evidence)
    return evidence


def _count(ledger: list[Read]) -> tuple[dict[int, list[dict[str, Any]]], list[str]]:
    """The readers' rule: an entry counts if its seq is the last one's + 1, and its prev_chunk the last one's chunk."""
    entries: dict[int, list[dict[str, Any]]] = {bucket: [] for bucket in range(PARTITIONS)}
    dropped = []
    for read in ledger:
        counted = entries[read.partition]
        seq, chunk = (counted[-1]["seq"], counted[-1]["chunk"]) if counted else (0, "")
        if (read.value["seq"], read.value["prev_chunk"]) == (seq + 1, chunk):
            counted.append(read.value)
        else:
            dropped.append(read.value["id"])
    return entries, dropped


async def _read_books(database: Database, evidence: Evidence) -> None:
    async with database.connection() as connection:
        for row in await connection.fetch("SELECT * FROM wallets"):
            figures = (row["available_micros"], row["held_micros"], row["overdrawn_micros"])
            evidence.books[row["customer"], row["wallet"]] = figures
        for row in await connection.fetch(
            "SELECT customer, wallet, sum(amount_micros)::bigint AS amount, sum(held_change_micros)::bigint AS held"
            " FROM entries WHERE wallet IS NOT NULL GROUP BY customer, wallet"
        ):
            evidence.book_sums[row["customer"], row["wallet"]] = (row["amount"], row["held"])
        evidence.book_seqs = {row["bucket"]: row["seq"] for row in await connection.fetch("SELECT * FROM positions")}
        for row in await connection.fetch("SELECT customer, level, id FROM blocks WHERE level = 'sender'"):
            evidence.book_blocks.add((row["customer"], row["level"], row["id"]))
