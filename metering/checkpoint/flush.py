"""Writes a batch to Postgres in one transaction. Leaves gathering it to `batch`, and trying again to the caller.

Steps, and what an interruption after each leaves:

0. Day partitions, in a transaction of their own: an empty partition, of use to the next try.
1. The position, if it is still the one that the batch follows: nothing, the transaction rolls back with everything
below. A second checkpointer of the bucket waits here for the first, finds another position and writes nothing.
2. The wallets that the batch touches are read, and each entry is checked and hashed onto its wallet's chain.
3. Entries and denials by COPY, then every table of states.
4. Commit. Interrupted here, nobody knows: the next try finds its own position or the old one, and both are right.
"""

from __future__ import annotations

from metering.checkpoint import denials, entry_rows
from metering.checkpoint.batch import Batch
from metering.checkpoint.continuity import ORIGIN
from metering.checkpoint.database import Connection
from metering.checkpoint.flush_states import save_blocks, save_charges, save_customers, save_rules
from metering.checkpoint.flush_wallets import read_tails, save_lots, save_wallets
from metering.checkpoint.partitions import Partitions
from metering.checkpoint.queries import load_queries
from metering.checkpoint.wallet_tails import link_rows
from metering.errors import ensure

_ENTRY_COLUMNS = [*entry_rows.COLUMNS, "chain"]


async def flush(connection: Connection, batch: Batch, partitions: Partitions) -> bool:
    """Write `batch`; False, and nothing is written, when the books do not stand where it begins.

    Raises `BrokenInvariant` where an entry contradicts the books, and the driver's errors; either way nothing is
    written.
    """
    await partitions.make(connection, batch.days)
    async with connection.transaction():
        if not await _move_position(connection, batch):
            return False
        tails = await read_tails(connection, batch)
        rows = link_rows(batch.rows, tails)
        await connection.copy_records_to_table("entries", records=rows, columns=_ENTRY_COLUMNS)
        denied = batch.denials.rows(batch.bucket)
        if denied:
            await connection.copy_records_to_table("denials", records=denied, columns=list(denials.COLUMNS))
        await save_customers(connection, batch)
        await save_wallets(connection, batch, tails)
        await save_lots(connection, batch)
        await save_charges(connection, batch)
        await save_rules(connection, batch)
        await save_blocks(connection, batch)
    return True


async def _move_position(connection: Connection, batch: Batch) -> bool:
    queries, head, base = load_queries("flush"), batch.head, batch.base
    ensure(batch.ledger_offset_next is not None, "a batch without entries is not written")
    after = (
        batch.bucket,
        head.seq,
        head.chunk,
        head.usage,
        head.commands,
        head.clock_ms,
        head.timers_run,
        batch.ledger_offset_next,
    )
    if base == ORIGIN:
        return await connection.fetchval(queries["begin_position"], *after) is not None
    return await connection.fetchval(queries["advance_position"], *after, base.seq, base.chunk) is not None
