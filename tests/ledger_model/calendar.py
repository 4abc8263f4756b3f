"""Windows in a customer's time zone, by Python's own calendar. Leaves what is counted in them to `limits`."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.ledger_model.anniversaries import month_at, months_passed
from tests.ledger_model.plan_state import Cycle
from tests.ledger_model.state import Customer

DAY = 86_400_000
HALF_MONTH = 14 * DAY
"""By less than this a month or cycle begins elsewhere when the time zone is another."""


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


def gone_by(customer: Customer, name: str, ended: int, starts: int, now: int) -> int:
    """How many windows a customer has lived through since one ended, that one too, until the one that began at `starts`
    (0: a cycle that never ends). An end that the present zone does not have is the beginning nearest to it.
    """
    half = DAY // 2 if name == "day" else HALF_MONTH
    until = now if starts == 0 else starts + half
    begins = [at for at in beginnings(customer, name, ended, until) if at <= until]
    first = max((at for at in begins if at <= ended + half), default=0)
    return 1 + len([at for at in begins if at > first and at > ended - half])


def beginnings(customer: Customer, name: str, ended: int, until: int) -> list[int]:
    """When windows began, one after the other."""
    zone = customer.time_zone
    if name == "day":
        first = local_date(zone, ended - DAY)
        return [moment(zone, first + timedelta(days=n)) for n in range((until - ended) // DAY + 4)]
    if name == "month":
        first = local_date(zone, ended - 30 * DAY).replace(day=1)
        return [moment(zone, months_later(first, n)) for n in range((until - ended) // (28 * DAY) + 4)]
    runs = [(0, customer.cycle_months)]
    if customer.cycle is not None and customer.cycle.ends_at:
        runs = customer.cycle.runs
    return [month_at(customer, month) for month in months_of(runs, months_passed(customer, until))]


def months_of(runs: list[tuple[int, int]], last: int) -> list[int]:
    """The months in which cycles began, up to the last."""
    found = []
    ends = [month for month, _ in runs[1:]] + [last + 1]
    for (first, months), end in zip(runs, ends, strict=True):
        month = first
        while month < min(end, last + 1):
            found.append(month)
            if months == 0:
                break
            month += months
    return found


def window_of_cycle(customer: Customer, cycle: Cycle, now: int) -> tuple[int, int]:
    """The cycle that runs, or the one that holds `now` where they go on as the next one will."""
    if cycle.starts_at <= now < cycle.ends_at:
        return cycle.starts_at, cycle.ends_at
    if cycle.months == 0:
        return 0, 0
    month = cycle.next_month + (months_passed(customer, now) - cycle.next_month) // cycle.months * cycle.months
    return month_at(customer, month), month_at(customer, month + cycle.months)
