"""Small inputs read whole, from a file or stdin."""

from __future__ import annotations

import sys
from pathlib import Path

from metering.errors import Fatal


def read_all_lines(path: str) -> list[bytes]:
    """Return the lines of `path` ("-": stdin). Raises `Fatal` when it cannot be read."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror}") from error
    return data.split(b"\n")
