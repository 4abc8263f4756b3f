"""A statement's lines as text, CSV or JSON, written as they come. Leaves finding them to `checkpoint`."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import msgspec
from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.statement import END_OF_TIME_MS, PutAwayLines, StatementLine, balances, open_statement
from metering.cli.output import format_amount, note
from metering.rating import format_micros

_AMOUNTS = ("amount", "held_change", "balance", "available", "held", "price")
_FORMULA_STARTS = ("=", "@", "\t", "\r")


class Period(Struct, frozen=True):
    """From and to, Unix milliseconds; None leaves that end open."""

    since_ms: int | None = None
    until_ms: int | None = None


Write = Callable[[Any], None]


async def print_statement(
    dsn: str, customer: str, wallet: str | None, period: Period, form: str, output: TextIO | None = None
) -> str | None:
    """Write a statement to `output` (stdout); return None, or what there is none of. Raises `BooksAway`."""
    database = Database(dsn, command_seconds_max=None)
    try:
        names = [known.wallet for known in await balances(database, customer)]
        if not names:
            return f"the books know no customer {customer!r}"
        if wallet is not None and wallet not in names:
            return f"customer {customer!r} has no wallet {wallet!r}"
        until_ms = END_OF_TIME_MS if period.until_ms is None else period.until_ms
        async with open_statement(database, customer, wallet, from_ms=period.since_ms or 0, to_ms=until_ms) as opened:
            for one in opened.put_away:
                note(describe_put_away(one))
            listing = Listing(f"Statement of {customer}", STATEMENT_HEAD, StatementLine, describe_line, opened.put_away)
            await write_lines(opened.lines, customer, listing, form, output)
    finally:
        await database.close()
    return None


def describe_put_away(one: PutAwayLines) -> str:
    """Return what is left of changes that are put away as a line of text."""
    sums = ", ".join(f"{kind} {format_amount(micros, places=6)}" for kind, micros in sorted(one.sums.items()) if micros)
    balance = format_amount(one.balance_micros, one.unit, places=6)
    gone = f"{one.wallet_seq:,} changes before {format_time(one.until_ms)} are put away"
    return f"{one.wallet}: {gone} ({sums or 'no amount'}); balance after them {balance}"


STATEMENT_HEAD = f"{'time':<24}  {'kind':<10}  {'what':<44}{'amount':>16}{'balance':>18}{'NRO':>18}{'FRO':>18}"


def describe_line(line: StatementLine) -> str:
    """Return one change as a line of text."""
    other = line.counter_wallet and f"{'to' if line.amount_micros < 0 else 'from'} {line.counter_wallet}"
    what = (line.event_type or line.command_type, other, line.country, line.charge_id, line.reason)
    about = " ".join(filter(None, what))
    held = f"  held {format_amount(line.held_micros)}" if line.held_micros else ""
    return (
        f"{format_time(line.applied_at_ms)}  {line.kind:<10}  {about[:44]:<44}"
        f"{format_amount(line.amount_micros, places=6):>16}{format_amount(line.balance_micros, places=6):>18}"
        f"{format_amount(line.nro_micros, places=6):>18}{format_amount(line.fro_micros, places=6):>18}"
        f" {line.unit}{held}"
    )


class Listing(Struct, frozen=True):
    """How lines of one type are printed as text."""

    title: str
    head: str
    line: type[Struct]
    describe: Callable[[Any], str]
    put_away: Sequence[Struct] = ()
    """What of the time asked for is left without lines."""


def _begin_text(out: TextIO, _: str, listing: Listing) -> tuple[str, Write, str]:
    def write(line: Struct) -> None:
        out.write(listing.describe(line) + "\n")

    return f"{listing.title}\n{listing.head}\n", write, ""


def _begin_csv(out: TextIO, _: str, listing: Listing) -> tuple[str, Write, str]:
    writer = csv.writer(out, lineterminator="\n")

    def write(line: Struct) -> None:
        writer.writerow(_csv_cells(line))

    return ",".join(_csv_name(field) for field in listing.line.__struct_fields__) + "\n", write, ""


def _begin_json(out: TextIO, customer: str, listing: Listing) -> tuple[str, Write, str]:
    separator = ""
    put_away = f'"put_away":{msgspec.json.encode(listing.put_away).decode()},' if listing.put_away else ""

    def write(line: Struct) -> None:
        nonlocal separator
        out.write(separator + msgspec.json.encode(line).decode())
        separator = ",\n"

    return f'{{"customer":{msgspec.json.encode(customer).decode()},{put_away}"lines":[\n', write, "\n]}\n"


_FORMS: dict[str, Callable[[TextIO, str, Listing], tuple[str, Write, str]]] = {
    "text": _begin_text,
    "csv": _begin_csv,
    "json": _begin_json,
}


async def write_lines(
    lines: AsyncIterator[Struct], customer: str, listing: Listing, form: str, output: TextIO | None = None
) -> None:
    """Write lines to `output` (stdout) as they come. Interrupted, what was written holds as far as it goes."""
    out = output or sys.stdout
    before, write, after = _FORMS[form](out, customer, listing)
    out.write(before)
    # It is a generator; its type tells only that it can be walked through.
    async with aclosing(cast("AsyncGenerator[Struct]", lines)) as found:
        async for line in found:
            write(line)
    out.write(after)


def _csv_name(field: str) -> str:
    return field.removesuffix("_ms") if field.endswith("_at_ms") else field.removesuffix("_micros")


def _csv_cells(line: Struct) -> list[str]:
    """Return the cells: times as RFC 3339, amounts as exact decimals in units."""
    cells = []
    for name in line.__struct_fields__:
        value = getattr(line, name)
        if value is None:
            cells.append("")
        elif name.endswith("_at_ms"):
            cells.append(format_time(value))
        elif name.endswith("_micros"):
            cells.append(format_micros(value))
        else:
            cells.append(_disarm(str(value)))
    return cells


def _disarm(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula: notes and senders are others' words."""
    is_formula = text.startswith(_FORMULA_STARTS) or (text[:1] in ("+", "-") and not text[1:].isdigit())
    return f"'{text}" if is_formula else text


def format_time(milliseconds: int) -> str:
    """Return a moment as RFC 3339."""
    whole, rest = divmod(milliseconds, 1_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
