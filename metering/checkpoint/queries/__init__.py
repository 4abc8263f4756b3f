"""The SQL of the books, in files of named blocks. Leaves running it to those who name a block."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load_queries(file: str) -> MappingProxyType[str, str]:
    """Return the blocks of `FILE.sql` by name.

    A block begins with a line `-- name: NAME` and a line that says what it is for.
    """
    text = (files(__name__) / f"{file}.sql").read_text(encoding="utf-8")
    parts = _HEADING.split(text)
    return MappingProxyType({name: block.strip() for name, block in zip(parts[1::2], parts[2::2], strict=True)})
