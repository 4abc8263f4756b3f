"""The wallets and lots that a batch touches, as the books have them and as it leaves them.

Leaves joining entries on to `wallet_tails`.
"""

from __future__ import annotations

from metering.checkpoint.batch import Batch, WalletKey
from metering.checkpoint.bulk import run_bulk
from metering.checkpoint.chain import CHAIN_START
from metering.checkpoint.database import Connection
from metering.checkpoint.queries import load_queries
from metering.checkpoint.wallet_tails import NO_CREDIT, WalletTail
from metering.errors import ensure


async def read_tails(connection: Connection, batch: Batch) -> dict[WalletKey, WalletTail]:
    """Return the ends of the wallets that the batch changes or opens; one that it opens begins empty.

    Raises `BrokenInvariant` where a wallet is opened twice, or belongs to another bucket.
    """
    tails: dict[WalletKey, WalletTail] = {}
    keys = batch.wallets.keys() | batch.wallets_opened.keys()
    if keys:
        found = await connection.fetch(
            load_queries("flush")["read_wallets"], [customer for customer, _ in keys], [wallet for _, wallet in keys]
        )
        for customer, wallet, bucket, unit, seq, available, held, overdrawn, chain in found:
            ensure(bucket == batch.bucket, f"wallet {wallet!r} of {customer!r} is in the books of bucket {bucket}")
            tails[customer, wallet] = WalletTail(unit, seq, (available, held, overdrawn), chain)
    for key, opened in batch.wallets_opened.items():
        ensure(key not in tails, f"wallet {key[1]!r} of {key[0]!r} is opened a second time")
        tails[key] = WalletTail(opened.unit, 0, NO_CREDIT, CHAIN_START)
    return tails


async def save_wallets(connection: Connection, batch: Batch, tails: dict[WalletKey, WalletTail]) -> None:
    """Write the wallets as `tails` leave them. Part of the transaction of `flush`."""
    queries = load_queries("flush")
    opened, changed = [], []
    for key, tail in tails.items():
        figures = (tail.seq, *tail.figures, tail.chain)
        if key in batch.wallets_opened:
            at_ms = batch.wallets_opened[key].at_ms
            opened.append((*key, tail.unit, *figures, at_ms, batch.wallets.get(key, at_ms)))
        else:
            changed.append((*key, *figures, batch.wallets[key]))
    await run_bulk(connection, queries["insert_wallets"], opened, batch.bucket)
    await run_bulk(connection, queries["update_wallets"], changed, batch.bucket, every="wallets")


async def save_lots(connection: Connection, batch: Batch) -> None:
    """Write the lots that the batch made or changed. Part of the transaction of `flush`."""
    queries = load_queries("flush")
    made, changed = [], []
    for key, lot in batch.lots.items():
        figures = (lot.remaining_micros, lot.held_micros)
        begun = batch.lots_made.get(key)
        if begun is None:
            changed.append((*key, *figures))
        else:
            made.append((*key, begun.kind, begun.first_micros, *figures, begun.expires_at_ms, begun.seq, begun.at_ms))
    await run_bulk(connection, queries["insert_lots"], made, batch.bucket)
    await run_bulk(connection, queries["update_lots"], changed, batch.bucket, every="lots")
