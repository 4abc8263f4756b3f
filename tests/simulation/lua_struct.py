"""The library `struct` of Redis' Lua, as far as the scripts use it: whole numbers and texts, without alignment."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

_ITEM = re.compile(r"([xbBhHiIlLcs])(\d*)")
_SIZES = {"b": 1, "h": 2, "i": 4, "l": 8}


@cache
def _plan(form: str) -> tuple[Literal["little", "big"], list[tuple[str, int]]]:
    """Return the byte order, and the items with their sizes: `x`, `c`, `0` for a text that a
    zero byte ends, numbers as `u` without a sign and `s` with.
    """
    order = form[0] if form[:1] in {"<", ">"} else ""
    items: list[tuple[str, int]] = []
    rest = form.removeprefix(order)
    assert _ITEM.sub("", rest) == "", f"struct: {form!r} is not understood"
    for code, number in _ITEM.findall(rest):
        if code in "xc":
            items.append((code, int(number or 1)))
        elif code == "s":
            items.append(("0", 0))
        else:
            size = int(number) if number else _SIZES[code.lower()]
            items.append(("u" if code.isupper() else "s", size))
    return "big" if order == ">" else "little", items


def pack(form: bytes, *values: Any) -> bytes:
    """Return the values as bytes. A text goes whole where its length is 0, else its first bytes."""
    order, items = _plan(form.decode())
    left = iter(values)
    out = bytearray()
    for code, size in items:
        if code == "x":
            out += b"\0" * size
        elif code == "c":
            text = next(left)
            assert len(text) >= size, "string too short"
            out += text[:size] if size else text
        elif code == "0":
            out += next(left) + b"\0"
        else:
            number = next(left)
            assert number == int(number), f"struct: {number} is not whole"
            out += int(number).to_bytes(size, order, signed=code == "s")
    return bytes(out)


def unpack(form: bytes, data: bytes, start: int = 1) -> tuple[Any, ...]:
    """Return the values from byte `start` on (from 1), and behind them where the next byte stands.

    A text whose length is 0 is as long as the number before it says, and takes its place.
    """
    order, items = _plan(form.decode())
    values: list[Any] = []
    at = int(start) - 1
    for code, size in items:
        if code == "0":
            end = data.index(b"\0", at)
            values.append(data[at:end])
            at = end + 1
            continue
        length = values.pop() if code == "c" and size == 0 else size
        assert at + length <= len(data), "data string too short"
        if code == "c":
            values.append(data[at : at + length])
        elif code != "x":
            values.append(int.from_bytes(data[at : at + size], order, signed=code == "s"))
        at += length
    return (*values, at + 1)
