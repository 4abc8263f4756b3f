"""The wallets and lots that a batch touches, as the books have them and as it leaves them.

Leaves joining entries on to `wallet_tails`.
"""

from __future__ import annotations

from metering.checkpoint.batch import Batch, WalletKey
from metering.checkpoint.bulk import array_text, run_bulk
from metering.checkpoint.chain import CHAIN_START
from metering.checkpoint.database import Connection
from metering.checkpoint.queries import load_queries
from metering.checkpoint.wallet_tails import NO_CREDIT, WalletTail
from metering.errors import ensure


class Tails:
    """The ends of the wallets that a batch has touched so far. Part of the transaction of `flush`."""

    def __init__(self, batch: Batch, known: dict[WalletKey, WalletTail]) -> None:
        """Take over the ends of wallets that need not be read; what the batch touches is taken out of `known`."""
        self.by_wallet: dict[WalletKey, WalletTail] = {}
        self.known = known
        self._batch = batch
        self._opened: set[WalletKey] = set()

    async def read(self, connection: Connection) -> None:
        """Find the ends of the wallets that the batch has come to since the last call; one that is opened begins empty.

        Raises `BrokenInvariant` where a wallet is opened twice, or belongs to another bucket.
        """
        opened = self._batch.wallets_opened
        newly_opened = opened.keys() - self._opened
        by_wallet, known, unknown = self.by_wallet, self.known, []
        for key in newly_opened.union(self._batch.take_wallets()) - by_wallet.keys():
            tail = known.pop(key, None)
            if tail is None:
                unknown.append(key)
            else:
                by_wallet[key] = tail
        if unknown:
            await self._fetch(connection, unknown)
        for key in newly_opened:
            ensure(key not in self.by_wallet, f"wallet {key[1]!r} of {key[0]!r} is opened a second time")
            self.by_wallet[key] = WalletTail(opened[key].unit, 0, NO_CREDIT, CHAIN_START)
            self._opened.add(key)

    async def _fetch(self, connection: Connection, keys: list[WalletKey]) -> None:
        named = map(array_text, zip(*keys, strict=True))
        for row in await connection.fetch(load_queries("flush")["read_wallets"], *named):
            customer, wallet, bucket, unit, seq, available, held, overdrawn, chain = row.values()
            ensure(
                bucket == self._batch.bucket, f"wallet {wallet!r} of {customer!r} is in the books of bucket {bucket}"
            )
            self.by_wallet[customer, wallet] = WalletTail(unit, seq, (available, held, overdrawn), chain, chain)


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
            changed.append((*key, *figures, batch.wallets[key], tail.saved))
    await run_bulk(connection, queries["insert_wallets"], opened, batch.bucket)
    await run_bulk(connection, queries["update_wallets"], changed, batch.bucket, every="wallets")
    topped_up = [(*key, amount) for key, amount in batch.topped_up.items()]
    await run_bulk(connection, queries["save_top_ups"], topped_up, batch.bucket, every="wallets")


async def save_profiles(connection: Connection, batch: Batch) -> None:
    """Write the profiles that changed; a closed wallet has no rules any more. Part of the transaction of `flush`."""
    queries = load_queries("flush")
    rows = [(*key, p.state, p.kind, p.user, p.name, p.reference, p.keyword) for key, p in batch.profiles.items()]
    await run_bulk(connection, queries["save_profiles"], rows, batch.bucket, every="profiles")
    closed = [key for key, profile in batch.profiles.items() if profile.state == "closed"]
    await run_bulk(connection, queries["forget_rules"], closed)


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
            made.append(
                (
                    *key,
                    begun.kind,
                    begun.first_micros,
                    *figures,
                    begun.expires_at_ms,
                    begun.transferable,
                    begun.notice_at_ms,
                    begun.seq,
                    begun.at_ms,
                )
            )
    await run_bulk(connection, queries["insert_lots"], made, batch.bucket)
    await run_bulk(connection, queries["update_lots"], changed, batch.bucket, every="lots")
    expiries = [(*key, *times) for key, times in batch.expiries.items()]
    await run_bulk(connection, queries["update_expiries"], expiries, batch.bucket, every="lots")
