"""Types and argument readers that the commands share."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TypeAlias

# A string, since the class takes parameters only in the eyes of a type checker; argparse has no public name for it.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_customer(parser: argparse.ArgumentParser) -> None:
    """Add `--customer` and `--wallet`."""
    parser.add_argument("--customer", required=True, help="whose")
    parser.add_argument("--wallet", help="one wallet; all of the customer's when left out")


def parse_moment(text: str) -> datetime:
    """Read `2026-03-01`, `2026-03-01T12:00` or with an offset; UTC when none is given. An argparse type."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date or time such as 2026-03-01T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_count(text: str) -> int:
    """Read a whole number above zero; `100_000` and `100,000` are fine. An argparse type."""
    try:
        count = int(text.replace(",", ""))
    except ValueError:
        count = 0
    if count <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return count


def parse_seconds(text: str) -> float:
    """Read a time above zero in seconds. An argparse type."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above zero")
    return seconds
