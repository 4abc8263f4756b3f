"""MessagePack for Redis' Lua, which knows no binary type: what is packed goes as raw text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

_pack = msgspec.msgpack.Encoder().encode


def pack_raw(value: Any) -> bytes:
    """Return a value of dicts with at most 15 keys, lists and scalars, in which `RawText` stands as it is."""
    return b"".join(_pieces(value))


_FIXSTR, _STR8, _STR16 = 32, 1 << 8, 1 << 16
"""Lengths from which a text of MessagePack has a longer head."""


class RawText(bytes):
    """Bytes that go over as MessagePack's raw text: Redis' Lua does not know the binary type."""


def _pieces(value: Any) -> Iterable[bytes]:
    if isinstance(value, RawText):
        length = len(value)
        if length < _FIXSTR:
            yield bytes([0xA0 | length])
        elif length < _STR8:
            yield bytes([0xD9, length])
        elif length < _STR16:
            yield b"\xda" + length.to_bytes(2, "big")
        else:
            yield b"\xdb" + length.to_bytes(4, "big")
        yield value
    elif isinstance(value, dict):
        yield bytes([0x80 | len(value)])
        for key, item in value.items():
            yield _pack(key)
            yield from _pieces(item)
    elif isinstance(value, list):
        yield b"\xdd" + len(value).to_bytes(4, "big")
        for item in value:
            yield from _pieces(item)
    else:
        yield _pack(value)
