"""The hash chain of a wallet's entries. Leaves reading and checking whole chains to `audit`.

Covered are the entries with a `wallet_seq`, that is all that change a figure of the wallet. Each hash is SHA-256 over
the hash before it (nothing before the first) and the row as a MessagePack array: the columns in the table's order,
without `chain`, each as nil, the shortest integer or text. (JSON would have to escape the JSON in the row: twice the
work.) So whoever changes, removes or adds a row has to change all that follow it, and the wallet's own row.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from metering.checkpoint.entry_rows import EntryRow

CHAIN_START = b""

_encode = msgspec.msgpack.Encoder().encode


def next_hash(previous: bytes, row: EntryRow) -> bytes:
    """Return the 32 bytes that stand in `chain` of `row`, which follows the entry with the hash `previous`."""
    return sha256(previous + _encode(row)).digest()
