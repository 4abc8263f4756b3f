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

NO_CREDIT = (0, 0, 0)


@dataclass(slots=True)
class WalletTail:
    """A wallet after its newest entry."""

    unit: str
    seq: int
    figures: tuple[int, ...]
    """Available, held, overdrawn."""
    chain: bytes


def link_rows(rows: Iterable[EntryRow], tails: Mapping[WalletKey, WalletTail]) -> list[EntryRow]:
    """Return the rows with their hashes added, and move the tails on. A unit that an entry leaves out is the wallet's.

    Raises `BrokenInvariant` where an entry does not follow from the one before it: another number, or other figures
    than it left.
    """
    linked: list[EntryRow] = []
    for row in rows:
        wallet_seq = row[WALLET_SEQ]
        if wallet_seq is None:
            linked.append((*row, None))
            continue
        tail = tails.get((row[CUSTOMER], row[WALLET]))
        if tail is None:
            raise BrokenInvariant(f"entry {row[ID]} changes the wallet {row[WALLET]!r}, which nothing has opened")
        if tail.seq + 1 != wallet_seq or tail.figures != row[BEFORE]:
            raise BrokenInvariant(_explain(row, tail))
        if row[UNIT] is None:
            row = (*row[:UNIT], tail.unit, *row[UNIT + 1 :])  # noqa: PLW2901  the same row, completed
        tail.seq = wallet_seq
        tail.figures = row[AFTER]
        tail.chain = next_hash(tail.chain, row)
        linked.append((*row, tail.chain))
    return linked


def _explain(row: EntryRow, tail: WalletTail) -> str:
    found: tuple[Any, ...] = (row[WALLET_SEQ], *row[BEFORE])
    due = (tail.seq + 1, *tail.figures)
    return (
        f"entry {row[ID]} does not follow in its wallet: (wallet_seq, available, held, overdrawn before) is {found}, "
        f"the books lead to {due}"
    )
