"""Checks every wallet's hash chain from Postgres alone. Leaves the buckets' sequences to `verify`.

Whoever changed, removed or added a row of `entries` would have to change all that follow it, and the wallet's own row.
"""

from __future__ import annotations

from msgspec import Struct

from metering.checkpoint.chain import CHAIN_START, next_hash
from metering.checkpoint.database import Connection
from metering.checkpoint.entry_rows import COLUMNS, CUSTOMER, ID, WALLET, WALLET_SEQ, EntryRow
from metering.checkpoint.faults import Fault, Faults
from metering.checkpoint.queries import load_queries

ROWS_MAX = 1_000


class ChainsChecked(Struct, frozen=True):
    """How much was checked."""

    wallets: int
    entries: int


async def check_chains(connection: Connection, faults: Faults) -> ChainsChecked:
    """Read every entry of every wallet once and compute its hash again; add the first break of each to `faults`.

    Part of a repeatable-read transaction. Takes about 10 µs an entry, and memory for a thousand of them.
    """
    audit = _Audit(connection, faults)
    query = load_queries("audit")["entries"].format(columns=", ".join(COLUMNS))
    cursor = await connection.cursor(query)
    while rows := await cursor.fetch(ROWS_MAX):
        for row in rows:
            audit.take(tuple(row.values()))
        await audit.check_ends()
    await audit.finish()
    return ChainsChecked(audit.wallets, audit.entries)


class _Audit:
    def __init__(self, connection: Connection, faults: Faults) -> None:
        self.wallets = self.entries = 0
        self._connection = connection
        self._faults = faults
        self._key: tuple[str, str] | None = None
        self._seq = 0
        self._chain = CHAIN_START
        self._is_broken = False
        self._ends: dict[tuple[str, str], tuple[int, bytes]] = {}

    def take(self, row: EntryRow) -> None:
        """Check one row, the last column of which is the hash."""
        *values, chain = row
        key = (row[CUSTOMER], row[WALLET])
        if key != self._key:
            self._end_wallet()
            self._key, self._seq, self._chain, self._is_broken = key, 0, CHAIN_START, False
            self.wallets += 1
        self.entries += 1
        if self._is_broken:
            return
        due = next_hash(self._chain, tuple(values))
        if row[WALLET_SEQ] != self._seq + 1:
            self._is_broken = True
            self._report(key, row[ID], f"wallet_seq {row[WALLET_SEQ]} follows {self._seq}")
        elif due != chain:
            self._is_broken = True
            self._report(key, row[ID], "the row, or one before it, is not what was hashed")
        self._seq, self._chain = row[WALLET_SEQ], due

    async def check_ends(self) -> None:
        """Compare the ends of the chains that are through with the wallets' rows."""
        if not self._ends:
            return
        ends, self._ends = self._ends, {}
        keys = list(ends)
        query = load_queries("audit")["wallets"]
        found = await self._connection.fetch(query, [key[0] for key in keys], [key[1] for key in keys])
        known = {(customer, wallet): (seq, chain) for customer, wallet, seq, chain in found}
        for key, end in ends.items():
            if known.get(key) != end:
                self._report(key, "", f"the chain ends at wallet_seq {end[0]}, the wallet says otherwise")

    async def finish(self) -> None:
        """Check what is left, and that no wallet has lost all its entries."""
        self._end_wallet()
        await self.check_ends()
        for customer, wallet in await self._connection.fetch(load_queries("audit")["wallets_without_entries"]):
            self._report((customer, wallet), "", "the wallet has changed and has no entries")

    def _end_wallet(self) -> None:
        if self._key is not None and not self._is_broken:
            self._ends[self._key] = (self._seq, self._chain)

    def _report(self, key: tuple[str, str], entry: str, why: str) -> None:
        self._faults.add(Fault("chain", why, entry=entry, customer=key[0], wallet=key[1]))
