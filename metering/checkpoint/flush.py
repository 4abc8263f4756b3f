"""Writes a run of ledger records to Postgres in one transaction. Leaves trying again to the caller.

Steps, and what an interruption after each leaves:

1. The position row is locked, if it is still the one from which the records are read. A second checkpointer of the
   bucket waits here for the first, finds another position and writes nothing. Until the commit an interruption leaves
   nothing: the transaction rolls back.
2. Slice by slice the records are folded, each entry is checked and hashed onto its wallet's chain, and goes out by
   COPY.
3. The denials, then every table of states, as the last entry leaves them, then the position.
4. Commit. Interrupted here, nobody knows: the next try finds its own position or the old one, and both are right.

Where an entry's day has no partition, everything rolls back, the partition is made and it all begins again. So it does
where a charge that an entry began is there already, under a name that is used again: then all charges are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import asyncpg

from metering.checkpoint import denials, entry_rows
from metering.checkpoint.backlog import Waiting
from metering.checkpoint.batch import Batch
from metering.checkpoint.bulk import copy_made
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Connection
from metering.checkpoint.entry_rows import EntryRow
from metering.checkpoint.flush_states import save_blocks, save_charges, save_customers, save_rules, save_states
from metering.checkpoint.flush_wallets import Tails, save_lots, save_profiles, save_wallets
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.queries import load_queries
from metering.checkpoint.wallet_tails import RememberedTails, link_rows
from metering.errors import ensure
from metering.ledger.state import BucketPosition
from metering.observe.steps import NO_STEPS, Step, Steps

SLICE_MAX = 400
"""Records folded, hashed and sent before the next. What they take as objects, 1.5 MB, stays near the processor: with
5,000 in one go each record costs twice as much."""

COMPILED_SLICE_MAX = 1_250
"""The same with compiled steps, which make few objects: half of a busy bucket's flush. A COPY into so many columns and
indexes costs Postgres as much at its start as twenty entries do."""

DOUBTED_FLUSHES = 100
"""After a charge has come under the name of one that the books have, all are looked for so many flushes long. What is
written twice costs as much as looking for the charges of ten flushes."""

_ENTRY_COLUMNS = [*entry_rows.COLUMNS, "chain"]
_DENIAL_COLUMNS = list(denials.COLUMNS)


class _DaysMissing(Exception):
    def __init__(self, days: set[int]) -> None:
        super().__init__()
        self.days = days


async def flush(
    connection: Connection,
    bucket: int,
    base: BucketPosition,
    records: Sequence[Waiting],
    partitions: Partitions,
    steps: Steps = NO_STEPS,
    remembered: RememberedTails | None = None,
) -> Batch | None:
    """Write what counts of `records`, which follow `base`; return what it was, or None when the books stand elsewhere.

    Ends of wallets that are `remembered` are not read; those of this flush are, once it is committed.

    Raises `BrokenInvariant` where an entry contradicts the books, and the driver's errors. Raised or None, nothing is
    written.
    """
    has_forgotten, doubted = False, remembered.doubted_flushes if remembered else 0
    while True:
        batch = Batch(bucket, base)
        tails = Tails(batch, remembered.take(base) if remembered else {})
        try:
            async with connection.transaction():
                is_ours = await _write(connection, batch, tails, records, partitions, steps, doubts=doubted > 0)
        except _DaysMissing as missing:
            await partitions.make(connection, missing.days)
        except asyncpg.CheckViolationError as error:
            # With a name it is a check of a table; without, a day that we know is gone: an old one that was put away.
            if has_forgotten or error.constraint_name is not None:
                raise
            has_forgotten = True
            partitions.forget()
        except asyncpg.UniqueViolationError as error:
            if doubted or error.table_name != "charges":
                raise
            doubted = DOUBTED_FLUSHES
        else:
            steps.reached(Step.BOOKS_COMMITTED, bucket)
            if not is_ours:
                return None
            if remembered:
                remembered.put(batch.head, tails.known, tails.by_wallet)
                remembered.doubted_flushes = max(0, doubted - 1)
            return batch


def slices(batch: Batch, records: Sequence[Waiting]) -> Iterator[list[Waiting]]:
    """Yield records as they are folded, hashed and sent together."""
    size = SLICE_MAX if batch.sheet is None else COMPILED_SLICE_MAX
    for first in range(0, len(records), size):
        yield [*records[first : first + size]]


async def _write(
    connection: Connection,
    batch: Batch,
    tails: Tails,
    records: Sequence[Waiting],
    partitions: Partitions,
    steps: Steps,
    *,
    doubts: bool,
) -> bool:
    """Write all but the commit. False: the books stand elsewhere, and nothing was written.

    With `doubts`, charges that entries began are looked for as all others.
    """
    is_locked = False
    for part in slices(batch, records):
        batch.take_all(part)
        rows = batch.take_rows()
        if batch.entries == 0:
            continue
        if missing := partitions.missing(batch.days):
            raise _DaysMissing(missing)
        if not is_locked:
            if not await _lock_position(connection, batch):
                return False
            is_locked = True
            steps.reached(Step.POSITION_LOCKED, batch.bucket)
        await tails.read(connection)
        await _copy_entries(connection, batch, rows, tails)
        steps.reached(Step.ENTRIES_COPIED, batch.bucket)
    if is_locked:
        await _write_states(connection, batch, tails, doubts=doubts)
        steps.reached(Step.STATES_SAVED, batch.bucket)
        await _move_position(connection, batch)
        steps.reached(Step.POSITION_MOVED, batch.bucket)
    return True


async def _copy_entries(connection: Connection, batch: Batch, rows: list[EntryRow], tails: Tails) -> None:
    """Check and hash a slice's entries onto their wallets' chains, and send them: `rows`, and what the sheet has."""
    if batch.sheet is None:
        link_rows(rows, tails.by_wallet)
        await connection.copy_records_to_table("entries", records=rows, columns=_ENTRY_COLUMNS)
    else:
        made = batch.sheet.copy(rows, tails.by_wallet, link_rows, entry_rows.row_of_value, entry_rows.WIDTHS)
        await copy_made(connection, "entries", _ENTRY_COLUMNS, made)


async def _write_states(connection: Connection, batch: Batch, tails: Tails, *, doubts: bool) -> None:
    denied = batch.denials.rows(batch.bucket)
    if denied:
        await connection.copy_records_to_table("denials", records=denied, columns=_DENIAL_COLUMNS)
    await save_customers(connection, batch)
    await save_wallets(connection, batch, tails.by_wallet)
    await save_profiles(connection, batch)
    await save_lots(connection, batch)
    await save_charges(connection, batch, [*batch.charges] if doubts else batch.charges_older)
    await save_rules(connection, batch)
    await save_states(connection, batch)
    await save_blocks(connection, batch)


async def _lock_position(connection: Connection, batch: Batch) -> bool:
    queries, base = load_queries("flush"), batch.base
    await connection.execute(queries["look_up_by_key"])
    if base == ORIGIN:
        return await connection.fetchval(queries["begin_position"], batch.bucket) is not None
    return await connection.fetchval(queries["lock_position"], batch.bucket, base.seq, base.chunk) is not None


async def _move_position(connection: Connection, batch: Batch) -> None:
    head = batch.head
    status = await connection.execute(
        load_queries("flush")["move_position"],
        batch.bucket,
        head.seq,
        head.chunk,
        head.usage,
        head.commands,
        head.clock_ms,
        head.timers_run,
        batch.ledger_offset_next,
    )
    ensure(status == "UPDATE 1", f"the position row of bucket {batch.bucket} was locked and is gone")
