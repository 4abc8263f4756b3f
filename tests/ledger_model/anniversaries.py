"""Anniversaries in a customer's time zone. Leaves what happens at them to others."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.ledger_model.state import Customer


def local_date(moment: int, zone: str) -> datetime:
    """The local time of a moment."""
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone(ZoneInfo(zone))


def month_at(customer: Customer, months: int) -> int:
    """The first moment of the local day so many months after the billing start, or of the month's last day."""
    if months == 0:
        return customer.billing_start
    start = local_date(customer.billing_start, customer.time_zone)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    first = datetime(year, month + 1, day, tzinfo=ZoneInfo(customer.time_zone))
    # A day whose midnight does not exist begins with the change of the clocks: look for its first minute.
    while first.astimezone(UTC).astimezone(first.tzinfo).day != day:
        first += timedelta(minutes=1)
    return int(first.timestamp() * 1000)


def months_passed(customer: Customer, now: int) -> int:
    """How many whole months have passed since the billing start."""
    months = 0
    while month_at(customer, months + 1) <= now:
        months += 1
    return months
