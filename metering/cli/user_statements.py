"""The lines of a user's total as a statement. Leaves finding them to `checkpoint`, and formats to `statements`."""

from __future__ import annotations

from typing import TextIO

from metering.checkpoint.database import Database
from metering.checkpoint.statement import END_OF_TIME_MS, UserLine, balances, read_cut_ms, user_lines
from metering.cli.output import format_amount, note
from metering.cli.statements import Listing, Period, format_time, write_lines

USER_HEAD = f"{'time':<24}  {'kind':<20}  {'by':<24}{'amount':>16}{'subtotal':>18}{'total':>18}"


async def print_user_statement(
    dsn: str, customer: str, user: str, period: Period, form: str, output: TextIO | None = None
) -> str | None:
    """Write a user's statement to `output` (stdout); return None, or what there is none of. Raises `BooksAway`."""
    database = Database(dsn, command_seconds_max=None)
    try:
        if not await balances(database, customer):
            return f"the books know no customer {customer!r}"
        until_ms = END_OF_TIME_MS if period.until_ms is None else period.until_ms
        cut_ms = await read_cut_ms(database, customer)
        if cut_ms is not None and (period.since_ms or 0) < cut_ms:
            note(f"changes before {format_time(cut_ms)} are put away; the first subtotal has them in it")
        found = user_lines(database, customer, user, from_ms=period.since_ms or 0, to_ms=until_ms)
        listing = Listing(f"Statement of {customer}, user {user}", USER_HEAD, UserLine, describe_user_line)
        await write_lines(found, customer, listing, form, output)
    finally:
        await database.close()
    return None


def describe_user_line(line: UserLine) -> str:
    """Return one change as a line of text."""
    total = "shared" if line.total_micros is None else format_amount(line.total_micros, places=6)
    change, subtotal = (format_amount(micros, places=6) for micros in (line.change_micros, line.subtotal_micros))
    about = f"{format_time(line.applied_at_ms)}  {line.kind:<20}  {(line.actor or 'plan')[:24]:<24}"
    return f"{about}{change:>16}{subtotal:>18}{total:>18}"
