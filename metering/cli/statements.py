"""A statement's lines as text, CSV or JSON, written as they come. Leaves finding them to `checkpoint`."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TextIO, cast

import msgspec
from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.statement import END_OF_TIME_MS, StatementLine, balances, statement
from metering.cli.output import format_amount
from metering.rating import format_micros

_AMOUNTS = ("amount", "held_change", "balance", "available", "held", "price")
_FORMULA_STARTS = ("=", "@", "\t", "\r")


class Period(Struct, frozen=True):
    """From and to, Unix milliseconds; None leaves that end open."""

    since_ms: int | None = None
    until_ms: int | None = None


Write = Callable[[StatementLine], None]


async def print_statement(
    dsn: str, customer: str, wallet: str | None, period: Period, form: str, output: TextIO | None = None
) -> str | None:
    """Write a statement to `output` (stdout); return None, or what there is none of. Raises `BooksAway`."""
    out = output or sys.stdout
    database = Database(dsn, command_seconds_max=None)
    try:
        names = [known.wallet for known in await balances(database, customer)]
        if not names:
            return f"the books know no customer {customer!r}"
        if wallet is not None and wallet not in names:
            return f"customer {customer!r} has no wallet {wallet!r}"
        found = statement(
            database,
            customer,
            wallet,
            from_ms=period.since_ms or 0,
            to_ms=END_OF_TIME_MS if period.until_ms is None else period.until_ms,
        )
        before, write, after = _FORMS[form](out, customer)
        out.write(before)
        # It is a generator; its type tells only that it can be walked through.
        async with aclosing(cast("AsyncGenerator[StatementLine]", found)) as lines:
            async for line in lines:
                write(line)
        out.write(after)
    finally:
        await database.close()
    return None


STATEMENT_HEAD = f"{'time':<24}  {'kind':<10}  {'what':<44}{'amount':>16}{'balance':>18}{'NRO':>18}{'FRO':>18}"


def describe_line(line: StatementLine) -> str:
    """Return one change as a line of text."""
    other = line.counter_wallet and f"{'to' if line.amount_micros < 0 else 'from'} {line.counter_wallet}"
    what = (line.event_type or line.command_type, other, line.country, line.charge_id, line.reason)
    about = " ".join(filter(None, what))
    held = f"  held {format_amount(line.held_micros)}" if line.held_micros else ""
    return (
        f"{_format_time(line.applied_at_ms)}  {line.kind:<10}  {about[:44]:<44}"
        f"{format_amount(line.amount_micros, places=6):>16}{format_amount(line.balance_micros, places=6):>18}"
        f"{format_amount(line.nro_micros, places=6):>18}{format_amount(line.fro_micros, places=6):>18}"
        f" {line.unit}{held}"
    )


def _begin_text(out: TextIO, customer: str) -> tuple[str, Write, str]:
    def write(line: StatementLine) -> None:
        out.write(describe_line(line) + "\n")

    return f"Statement of {customer}\n{STATEMENT_HEAD}\n", write, ""


def _begin_csv(out: TextIO, _: str) -> tuple[str, Write, str]:
    writer = csv.writer(out, lineterminator="\n")

    def write(line: StatementLine) -> None:
        writer.writerow(_csv_cells(line))

    return ",".join(_csv_names()) + "\n", write, ""


def _begin_json(out: TextIO, customer: str) -> tuple[str, Write, str]:
    separator = ""

    def write(line: StatementLine) -> None:
        nonlocal separator
        out.write(separator + msgspec.json.encode(line).decode())
        separator = ",\n"

    return f'{{"customer":{msgspec.json.encode(customer).decode()},"lines":[\n', write, "\n]}\n"


_FORMS: dict[str, Callable[[TextIO, str], tuple[str, Write, str]]] = {
    "text": _begin_text,
    "csv": _begin_csv,
    "json": _begin_json,
}


def _csv_names() -> list[str]:
    return [
        "applied_at" if name == "applied_at_ms" else name.removesuffix("_micros")
        for name in StatementLine.__struct_fields__
    ]


def _csv_cells(line: StatementLine) -> list[str]:
    """Return the cells: times as RFC 3339, amounts as exact decimals in units."""
    cells = []
    for name in StatementLine.__struct_fields__:
        value = getattr(line, name)
        if value is None:
            cells.append("")
        elif name == "applied_at_ms":
            cells.append(_format_time(value))
        elif name.endswith("_micros"):
            cells.append(format_micros(value))
        else:
            cells.append(_disarm(str(value)))
    return cells


def _disarm(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula: notes and senders are others' words."""
    is_formula = text.startswith(_FORMULA_STARTS) or (text[:1] in ("+", "-") and not text[1:].isdigit())
    return f"'{text}" if is_formula else text


def _format_time(milliseconds: int) -> str:
    whole, rest = divmod(milliseconds, 1_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
