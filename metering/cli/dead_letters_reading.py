"""The dead letters that are wanted, and what became of them, gathered from their topic. Leaves acting on them.

All state is in the topic. What is gathered lies in a temporary database of SQLite, on disk once it is large, so that a
topic of any size is read in bounded memory; it is gone with the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import msgspec
from msgspec import Struct

from metering.cli.dead_letters_original import customer_of
from metering.cli.output import note
from metering.contracts.dead_letters import DeadLetter, DeadLetterResolution, letter_key
from metering.contracts.topics import Topic
from metering.settings import KafkaSettings
from metering.worker.kafka import Kafka
from metering.worker.partition_reader import open_partition

PAGE_LETTERS = 500
"""Letters held in memory at a time: of at most 256 KiB that can be retried, so 128 MB in the very worst case."""

_TABLE = """
CREATE TABLE letters (
    place INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, reason TEXT NOT NULL, value BLOB NOT NULL, resolution BLOB
)
"""
_NEW = "INSERT OR IGNORE INTO letters (place, key, reason, value) VALUES (?, ?, ?, ?)"
_OPEN_PAGE = "SELECT place, key, value FROM letters WHERE resolution IS NULL AND place > ? ORDER BY place LIMIT ?"

_decode_letter = msgspec.json.Decoder(DeadLetter).decode
_decode_resolution = msgspec.json.Decoder(DeadLetterResolution).decode


class Wanted(Struct, frozen=True, kw_only=True):
    """Which dead letters are meant: all that fit each of these; None: whatever it is."""

    keys: frozenset[str] | None = None
    reasons: frozenset[str] | None = None
    topic: str | None = None
    partition: int | None = None
    customer: str | None = None
    since_ms: int | None = None
    """By the log timestamp of the original: from this one on."""
    until_ms: int | None = None
    """Before this one."""

    def fits(self, letter: DeadLetter) -> bool:
        """Whether it is one of them."""
        return (
            (self.keys is None or letter_key(letter.topic, letter.partition, letter.offset) in self.keys)
            and (self.reasons is None or letter.reason in self.reasons)
            and (self.topic is None or letter.topic == self.topic)
            and (self.partition is None or letter.partition == self.partition)
            and (self.since_ms is None or letter.timestamp_ms >= self.since_ms)
            and (self.until_ms is None or letter.timestamp_ms < self.until_ms)
            and (self.customer is None or customer_of(letter) == self.customer)
        )


class Known(Struct, frozen=True):
    """A dead letter, and what became of it; None: it is open."""

    key: str
    letter: DeadLetter
    resolution: DeadLetterResolution | None


class Letters:
    """Dead letters as of the moment at which they were read, oldest first."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def count_open(self) -> dict[str, int]:
        """Return how many are open, by reason."""
        rows = self._database.execute(
            "SELECT reason, count(*) FROM letters WHERE resolution IS NULL GROUP BY reason ORDER BY 2 DESC, 1"
        )
        return dict(rows.fetchall())

    def open_pages(self) -> Iterator[list[Known]]:
        """Yield the open ones, a page at a time."""
        last = -1
        while rows := self._database.execute(_OPEN_PAGE, (last, PAGE_LETTERS)).fetchall():
            last = rows[-1][0]
            yield [Known(key, _decode_letter(value), None) for _, key, value in rows]

    def all(self) -> Iterator[Known]:
        """Yield all, resolved ones too."""
        rows = self._database.execute("SELECT key, value, resolution FROM letters ORDER BY place")
        for key, value, resolution in rows:
            yield Known(key, _decode_letter(value), _decode_resolution(resolution) if resolution else None)

    def note(self, place: int, key: str, value: bytes, wanted: Wanted) -> None:
        """Take in one record of the topic. A letter that is written again is the same one, also once it is resolved."""
        try:
            letter = _decode_letter(value)
        except msgspec.ValidationError:
            _decode_resolution(value)
            self._database.execute("UPDATE letters SET resolution = ? WHERE key = ?", (value, key))
        else:
            if wanted.fits(letter):
                self._database.execute(_NEW, (place, key, letter.reason.value, value))


@asynccontextmanager
async def read_letters(kafka: KafkaSettings, wanted: Wanted) -> AsyncIterator[Letters]:
    """Read the topic from its beginning to the end that it has now. Changes nothing.

    What is neither a dead letter nor what became of one is told of and passed over: a newer program may write more.
    Raises `Retryable` when the broker does not answer.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute(_TABLE)
        database.execute("BEGIN")
        letters = Letters(database)
        async with open_partition(Kafka(kafka), Topic.DEAD_LETTERS, 0) as reader:
            async for record in reader.records():
                try:
                    letters.note(record.offset, (record.key or b"").decode(), record.value or b"", wanted)
                except (msgspec.DecodeError, UnicodeError) as error:
                    note(f"{Topic.DEAD_LETTERS} at offset {record.offset} is passed over: {error}")
        yield letters
