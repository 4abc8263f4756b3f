"""How the command line speaks: JSON for programs, tables and amounts for people, refusals on stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

MICROS = 1_000_000


def print_json(document: Any) -> None:
    """Print one JSON document on stdout, over several lines."""
    import msgspec

    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def print_json_line(document: Any) -> None:
    """Print one JSON document as one line on stdout, at once."""
    import msgspec

    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    sys.stdout.buffer.flush()


def fail(message: str) -> None:
    """Say on stderr what went wrong."""
    print(f"metering: {message}", file=sys.stderr)


def note(message: str) -> None:
    """Say on stderr what is going on."""
    print(message, file=sys.stderr)


def format_amount(micros: int, unit: str | None = None, *, places: int = 2) -> str:
    """Write micro-units for people, exactly: at least `places` decimals, thousands apart: 1234500000 -> `1,234.50`."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    decimals = f"{fraction:06d}".rstrip("0").ljust(places, "0")
    return f"{sign}{whole:,}.{decimals}" + (f" {unit}" if unit else "")


def format_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Return a table for people; columns numbered in `right` are figures."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        parts = (
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(parts).rstrip()

    return "\n".join(line(row) for row in (head, *rows))
