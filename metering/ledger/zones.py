"""Time zones as the ledger's Lua takes them. Leaves windows and cycles to the Lua.

From the IANA database of the pinned `tzdata` package, never the machine's own: the same log must give the same entries.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

YEAR_FIRST, YEAR_LAST = 2015, 2075
"""Changes of the clock outside these years are not known; the last offset goes on."""

_STEP = timedelta(days=7)
"""No zone changes its clock twice within a week."""


@lru_cache(maxsize=1024)
def zone_record(name: str) -> tuple[int, ...]:
    """Return a zone as (offset, from, offset, from, offset, …): minutes east of UTC, Unix seconds.

    Raises `ValueError` where there is no zone of that name.
    """
    zone = load_zone(name)
    at, last = datetime(YEAR_FIRST, 1, 1, tzinfo=UTC), datetime(YEAR_LAST, 1, 1, tzinfo=UTC)
    record = [_minutes(zone, at)]
    while at < last:
        following = at + _STEP
        if _minutes(zone, following) != record[-1]:
            changed = _first_with_other_offset(zone, at, following)
            record += [int(changed.timestamp()), _minutes(zone, changed)]
        at = following
    return tuple(record)


def load_zone(name: str) -> ZoneInfo:
    """Return a zone of the pinned database. Raises `ValueError` where there is none of that name."""
    parts = name.split("/")
    if any(not part or part.startswith(".") or "\\" in part for part in parts):
        raise ValueError(f"{name!r} is no time zone")
    try:
        with files("tzdata").joinpath("zoneinfo", *parts).open("rb") as source:
            return ZoneInfo.from_file(source, name)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone") from error


def _minutes(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    return round((offset or timedelta()).total_seconds() / 60)


def _first_with_other_offset(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = _minutes(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
        low, high = (middle, high) if _minutes(zone, middle) == before else (low, middle)
    return high
