"""A bucket's ledger over many days, for tests of what is put away. Leaves writing it to them."""

from __future__ import annotations

from metering.checkpoint.books import Books
from metering.checkpoint.database import Database
from metering.checkpoint.retention import PutAway, put_away_next
from metering.contracts.reasons import Kind
from metering.ledger.state import StateRecord
from metering.ledger.till import Windows
from tests.checkpoint.scribe import NOON, Scribe
from tests.checkpoint.typed import read_records

DAY_MS = 86_400_000
DAYS = (0, 1, 2, 9, 34, 35)
"""On which something happens."""
RETENTION_DAYS = 31
GONE = ("20260301", "20260302", "20260303")
"""Those of them that are past the retention at the end."""
EMPTY = ("20260304",)
"""A day ahead for which partitions were made, past the retention as well."""


def long_history(bucket: int = 0) -> Scribe:
    """Write some days: messages of acme each day, of beta on the first two, transfers and denials, one open hold.

    Customers `idle` and `empty` are opened on the first day and change no more.
    """
    scribe = Scribe(bucket=bucket)
    for name in ("acme", "beta", "idle"):
        scribe.open(f"{name}{bucket}", 1_000)
    scribe.open(f"empty{bucket}")
    acme, beta = f"acme{bucket}", f"beta{bucket}"
    scribe.open_wallet(acme, "ann")
    scribe.reserve(acme, "open", 7)
    for day in DAYS:
        scribe.clock = NOON + day * DAY_MS
        scribe.next_chunk = f"c{bucket}-{day}"
        for name in (acme, beta) if day < 2 else (acme,):
            scribe.reserve(name, f"m{day}", 3)
            scribe.commit(name, f"m{day}", 3)
        if day % 2 == 0:
            scribe.transfer(acme, 2, "ann")
        scribe.deny_blocked(acme, "+1")
        scribe.clock += 3_600_000
        scribe.deny_blocked(acme, "+2")
        if day % 3 == 0:
            scribe.plain(Kind.NOTED, acme)
    return scribe


async def put_all_away(database: Database, retention_days: int = RETENTION_DAYS) -> list[PutAway]:
    """Put away all that is past the retention."""
    done = []
    while (found := await put_away_next(database, retention_days, Windows())) is not None:
        done.append(found)
        assert len(done) < 100
    return done


async def restored_state(database: Database, bucket: int = 0) -> list[StateRecord]:
    """Return all that a worker would load of a bucket."""
    async with Books(database).restore(bucket) as restoration:
        assert restoration is not None
        return await read_records(restoration)
