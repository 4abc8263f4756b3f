"""Effective dates and weekly time bands of rate rows, in the deck's time zone.

Leaves choosing between rows to `index`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

# Open ends: before any event and after any event (year 9999), so that comparisons need no special case.
BEGINNING_MS = -(2**53)
END_MS = 2**53

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 1440
_WEEK_MINUTES = 7 * _DAY_MINUTES
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Band(msgspec.Struct, frozen=True, gc=False):
    """Minutes of the local week (0 = Monday 00:00) as half-open spans, sorted; `text` is how the deck writes it."""

    text: str
    spans: tuple[tuple[int, int], ...]
    zone: str

    def covers(self, at_ms: int) -> bool:
        """Say whether the instant `at_ms` falls into the band on the local clock of the zone, DST included."""
        local = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(self.zone))
        minute = (local.weekday() * 24 + local.hour) * 60 + local.minute
        return any(start <= minute < end for start, end in self.spans)

    def meets(self, other: Band) -> bool:
        """Say whether the two bands share a minute."""
        return any(a < d and c < b for a, b in self.spans for c, d in other.spans)


def parse_instant(text: str, zone: ZoneInfo) -> int:
    """Read `2026-01-31` (midnight in the deck's zone) or an ISO instant with offset as epoch milliseconds.

    Raises ValueError for anything else, an instant without an offset included: it could be meant in two zones.
    """
    if len(text) == len("2026-01-31"):
        return _epoch_ms(datetime.fromisoformat(text).replace(tzinfo=zone))
    return parse_moment(text)


def parse_moment(text: str) -> int:
    """Read an ISO instant with offset as epoch milliseconds; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} needs an offset such as Z or +02:00"
        raise ValueError(message)
    return _epoch_ms(moment)


def _epoch_ms(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def format_instant(at_ms: int) -> str:
    """Write epoch milliseconds as an ISO instant in UTC."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds").replace("+00:00", "Z")


def parse_band(days: str, hours: str, zone: str) -> Band | None:
    """Read the `days` (`mon-fri;sun`) and `hours` (`20:00-08:00;12:00-13:00`) columns; both empty means no band.

    Hours that wrap past midnight belong to the day on which they start. Raises ValueError naming the wrong part.
    """
    if not days and not hours:
        return None
    spans = []
    for start, end in _parse_hours(hours):
        for day in _parse_days(days):
            first = day * _DAY_MINUTES + start
            last = day * _DAY_MINUTES + (end if end > start else end + _DAY_MINUTES)
            spans.append((first, min(last, _WEEK_MINUTES)))
            if last > _WEEK_MINUTES:
                spans.append((0, last - _WEEK_MINUTES))
    return Band(f"{days or 'mon-sun'} {hours or '00:00-24:00'}", tuple(sorted(set(spans))), zone)


def _parse_days(text: str) -> list[int]:
    days: set[int] = set()
    for part in text.split(";") if text else ["mon-sun"]:
        first, dash, last = part.strip().partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            message = f"{part!r} is not a day or a span of days such as mon-fri"
            raise ValueError(message)
        start, end = _DAYS.index(first), _DAYS.index(last or first)
        days.update(day % 7 for day in range(start, end + 1 if end >= start else end + 8))
    return sorted(days)


def _parse_hours(text: str) -> list[tuple[int, int]]:
    spans = []
    for part in text.split(";") if text else ["00:00-24:00"]:
        match = _HOURS.fullmatch(part.strip())
        if match is None:
            message = f"{part!r} is not a span of hours such as 08:00-20:00"
            raise ValueError(message)
        start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if end > _DAY_MINUTES or start == end:
            message = f"{part!r} is not a span of hours within a day"
            raise ValueError(message)
        spans.append((start, end))
    return spans
