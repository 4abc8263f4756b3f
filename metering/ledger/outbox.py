"""Outbox records: chunks that were applied and may not be published yet. Leaves publishing to the worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from metering.contracts.entries import Position
from metering.ledger.made import EntryMade, make_entries, read_fragments
from metering.ledger.results import decode_fragments, decode_results


class OutboxChunk(Struct, frozen=True):
    """One applied chunk as Redis keeps it until the ledger has it."""

    first_seq: int
    last_seq: int
    chunk: str
    prev_chunk: str
    start: Position
    fragments: bytes
    results: bytes

    def entries(self, bucket: int, after_seq: int = 0) -> Iterator[EntryMade]:
        """Yield its entries beyond `after_seq`, the same to the byte as when they were first made."""
        fragments = decode_fragments(self.fragments)
        made = make_entries(
            bucket,
            self.first_seq,
            self.chunk,
            self.prev_chunk,
            decode_results(self.results),
            read_fragments(fragments),
            fragments,
        )
        return (entry for entry in made if entry.seq > after_seq)


ELEMENTS = 3
"""Of the list in Redis that one chunk takes."""


def read_outbox(record: Sequence[bytes]) -> OutboxChunk:
    """Return the chunk in a record: a line of text, the fragments, the results."""
    line, fragments, results = record
    first, last, chunk, prev_chunk, usage, commands = line.decode("ascii").split(" ")
    return OutboxChunk(
        int(first),
        int(last),
        chunk,
        prev_chunk,
        Position(int(usage), int(commands)),
        fragments,
        results,
    )
