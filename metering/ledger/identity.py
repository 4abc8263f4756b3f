"""What identifies an input, a wallet, a charge in the ledger. Leaves where it is kept to `keys`."""

from __future__ import annotations

import secrets
from binascii import b2a_base64
from collections.abc import Iterable
from hashlib import blake2b

SEPARATOR = "\0"
"""Between the parts of a name. U+0000 is refused in every identifier, so no two names can run together."""


def event_digest(source: str, event_id: str) -> str:
    """Return the 16 characters under which a usage event is remembered: BLAKE2b-96 of source, U+0000, id, in base64.

    96 bits: among 10^9 remembered events a collision has a chance of about 10^-11. Text, because the MessagePack of
    Redis' Lua does not know the binary type.
    """
    return b2a_base64(_digest(source, event_id), newline=False).decode("ascii")


def event_digests(sources: Iterable[str], ids: Iterable[str]) -> list[bytes]:
    """Return the digests of many events at once, as bytes."""
    digests = [_digest(source, event_id) for source, event_id in zip(sources, ids, strict=True)]
    # Twelve bytes are sixteen characters without padding, so all of them can be written at once.
    text = b2a_base64(b"".join(digests), newline=False)
    return [text[at : at + 16] for at in range(0, len(text), 16)]


def _digest(source: str, event_id: str) -> bytes:
    return blake2b(f"{source}\0{event_id}".encode(), digest_size=12).digest()


def scoped(customer: str, name: str) -> str:
    """Return the name of something that belongs to a customer: a wallet, charge, sender or command."""
    return f"{customer}\0{name}"


def split_scoped(name: str) -> tuple[str, str]:
    """Return customer and name of a `scoped` name."""
    customer, _, rest = name.partition(SEPARATOR)
    return customer, rest


def state_field(customer: str, kind: int, state_id: str) -> str:
    """Return the name of a customer's record: its kind is a `codes.StateKind`."""
    return f"{customer}\0{int(kind)}\0{state_id}"


def fresh_chunk_id() -> str:
    """Return a random chunk id: 64 bits, so that two histories never share (chunk, seq)."""
    return secrets.token_hex(8)


def fresh_token() -> str:
    """Return a random claim token of 128 bits."""
    return secrets.token_hex(16)
