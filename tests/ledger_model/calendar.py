"""Windows in a customer's time zone, by Python's own calendar. Leaves what is counted in them to `limits`."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.ledger_model.anniversaries import month_at, months_passed
from tests.ledger_model.plan_state import Cycle
from tests.ledger_model.state import Customer


def moment(zone: str, day: date) -> int:
    """The first moment of a local date, in Unix milliseconds."""
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return round(start.timestamp() * 1000)


def local_date(zone: str, at: int) -> date:
    """The local date of a moment."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(ZoneInfo(zone)).date()


def months_later(day: date, months: int) -> date:
    """The same day some months later, or the last that the month has."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def anniversary(customer: Customer, months: int) -> int:
    """So many months after the billing start: at the first moment of that local date."""
    zone = customer.time_zone
    return moment(zone, months_later(local_date(zone, customer.billing_start), months))


def window(customer: Customer, name: str, now: int) -> tuple[int, int]:
    """The window that holds `now`: its start and its end; (0, 0) where it never ends."""
    zone = customer.time_zone
    today = local_date(zone, now)
    if name == "day":
        return moment(zone, today), moment(zone, today + timedelta(days=1))
    if name == "month":
        first = today.replace(day=1)
        return moment(zone, first), moment(zone, months_later(first, 1))
    if name == "cycle" and customer.cycle is not None and customer.cycle.ends_at:
        return window_of_cycle(customer, customer.cycle, now)
    if name == "cycle" and customer.cycle_months:
        start, count = customer.billing_start, 1
        while (end := anniversary(customer, count * customer.cycle_months)) <= now:
            start, count = end, count + 1
        return start, end
    return 0, 0


def window_of_cycle(customer: Customer, cycle: Cycle, now: int) -> tuple[int, int]:
    """The cycle that runs, or the one that holds `now` where they go on as the next one will."""
    if cycle.starts_at <= now < cycle.ends_at:
        return cycle.starts_at, cycle.ends_at
    if cycle.months == 0:
        return 0, 0
    month = cycle.next_month + (months_passed(customer, now) - cycle.next_month) // cycle.months * cycle.months
    return month_at(customer, month), month_at(customer, month + cycle.months)
