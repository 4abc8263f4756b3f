"""Where each wallet's entries end, and how new ones join on: seq, figures and hash.

Leaves reading and saving to `flush`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from metering.checkpoint.batch import WalletKey
from metering.checkpoint.chain import next_hash
from metering.checkpoint.entry_rows import AFTER, BEFORE, CUSTOMER, ID, UNIT, WALLET, WALLET_SEQ, EntryRow
from metering.errors import BrokenInvariant
from metering.ledger.state import BucketPosition

NO_CREDIT = (0, 0, 0)

REMEMBERED_MAX = 4_000
"""Wallets a bucket: 2 MB, and about as many as one flush finds."""


@dataclass(slots=True)
class WalletTail:
    """A wallet after its newest entry."""

    unit: str
    seq: int
    figures: tuple[int, ...]
    """Available, held, overdrawn."""
    chain: bytes
    saved: bytes = b""
    """The hash in the wallet's row, as far as anyone knows: where it is another, somebody else has written there."""


class RememberedTails:
    """The ends of one bucket's wallets since the last flush, so that the next need not read those of busy ones.

    Good for exactly one position of the books. Whoever takes them out puts them back when his flush is committed, and
    not otherwise: after a failure all are read again.
    """

    def __init__(self, wallets_max: int = REMEMBERED_MAX) -> None:
        self._wallets_max = wallets_max
        self._by_wallet: dict[WalletKey, WalletTail] = {}
        self._at: BucketPosition | None = None
        self.doubted_flushes = 0
        """So many more flushes of the bucket look for every charge: see `flush`."""

    def take(self, at: BucketPosition) -> dict[WalletKey, WalletTail]:
        """Return what is remembered, if the books stood `at` when it was put there, and nothing otherwise."""
        found, stood_at = self._by_wallet, self._at
        self._by_wallet, self._at = {}, None
        return found if stood_at == at else {}

    def put(self, at: BucketPosition, older: dict[WalletKey, WalletTail], newer: dict[WalletKey, WalletTail]) -> None:
        """Remember the ends of wallets as they are in the books, which stand `at`: the newer ones first."""
        for tail in newer.values():
            tail.saved = tail.chain
        keys = [*newer, *older][: self._wallets_max]
        self._by_wallet = {key: newer.get(key) or older[key] for key in keys}
        self._at = at


def link_rows(rows: Iterable[EntryRow], tails: Mapping[WalletKey, WalletTail]) -> None:
    """Add to each row its hash, and move the tails on. A unit that an entry leaves out is the wallet's.

    Raises `BrokenInvariant` where an entry does not follow from the one before it: another number, or other figures
    than it left.
    """
    for row in rows:
        wallet_seq = row[WALLET_SEQ]
        if wallet_seq is None:
            row.append(None)
            continue
        tail = tails.get((row[CUSTOMER], row[WALLET]))
        if tail is None:
            raise BrokenInvariant(f"entry {row[ID]} changes the wallet {row[WALLET]!r}, which nothing has opened")
        if tail.seq + 1 != wallet_seq or tail.figures != tuple(row[BEFORE]):
            raise BrokenInvariant(_explain(row, tail))
        if row[UNIT] is None:
            row[UNIT] = tail.unit
        tail.seq = wallet_seq
        tail.figures = tuple(row[AFTER])
        tail.chain = next_hash(tail.chain, row)
        row.append(tail.chain)


def _explain(row: EntryRow, tail: WalletTail) -> str:
    found: tuple[Any, ...] = (row[WALLET_SEQ], *row[BEFORE])
    due = (tail.seq + 1, *tail.figures)
    return (
        f"entry {row[ID]} does not follow in its wallet: (wallet_seq, available, held, overdrawn before) is {found}, "
        f"the books lead to {due}"
    )
