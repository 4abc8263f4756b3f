"""The calendar in Lua against Python's own: dates, days, months and anniversaries in real time zones."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from redis.asyncio import Redis

from metering.ledger.records import pack
from metering.ledger.scripts import assemble
from metering.ledger.zones import load_zone, zone_record

ZONES = (
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "America/Sao_Paulo",  # until 2019 the clock went forward at midnight
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Australia/Lord_Howe",  # changes by half an hour
    "Pacific/Apia",
)
MOMENTS = st.integers(1_451_606_400_000, 2_840_140_800_000)  # 2016 to 2060
WINDOW = "return window_at(cmsgpack.unpack(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))"
MAKER = assemble(f"-- include: calendar\nlocal start, stop = (function() {WINDOW} end)()\nreturn {{ start, stop }}\n")
SCRIPT = f"return (function()\n{MAKER}end)()(KEYS, ARGV)"


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


async def window(redis: Redis, zone: str, name: str, now: int, start: int = 0, months: int = 1) -> tuple[int, int]:
    first, last = await redis.eval(SCRIPT, 0, pack(zone_record(zone)), name, now, start, months)
    return int(first), int(last)


def day_start(zone: str, day: date) -> int:
    """The first second whose local date is `day`: looked for second by second around midnight, where it must be."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=26)
    low, high = 0, 52 * 3600
    while low < high:
        middle = (low + high) // 2
        if (at + timedelta(seconds=middle)).astimezone(load_zone(zone)).date() >= day:
            high = middle
        else:
            low = middle + 1
    return _ms(at + timedelta(seconds=low))


usual = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@usual
@given(zone=st.sampled_from(ZONES), now=MOMENTS)
async def test_day_is_the_local_date(fresh_redis: Redis, zone: str, now: int) -> None:
    day = datetime.fromtimestamp(now / 1000, load_zone(zone)).date()

    assert await window(fresh_redis, zone, "day", now) == (
        day_start(zone, day),
        day_start(zone, day + timedelta(days=1)),
    )


@usual
@given(zone=st.sampled_from(ZONES), now=MOMENTS)
async def test_month_begins_with_its_first_local_date(fresh_redis: Redis, zone: str, now: int) -> None:
    day = datetime.fromtimestamp(now / 1000, load_zone(zone)).date()
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)

    assert await window(fresh_redis, zone, "month", now) == (day_start(zone, first), day_start(zone, following))


@usual
@given(zone=st.sampled_from(ZONES), start=MOMENTS, months=st.sampled_from((1, 12)), after=st.integers(0, 2 * 10**11))
async def test_cycle_ends_at_the_anniversary(
    fresh_redis: Redis, zone: str, start: int, months: int, after: int
) -> None:
    anchor = datetime.fromtimestamp(start / 1000, load_zone(zone)).date()
    bounds = [start]
    while bounds[-1] <= start + after:
        at = anchor.year * 12 + anchor.month - 1 + months * len(bounds)
        year, month = at // 12, at % 12 + 1
        last = calendar.monthrange(year, month)[1]
        bounds.append(day_start(zone, date(year, month, min(anchor.day, last))))
    expected = next((low, high) for low, high in pairwise(bounds) if low <= start + after < high)

    assert await window(fresh_redis, zone, "cycle", start + after, start, months) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-02-28", "2026-02-28"), ("2026-03-01", "2026-03-31"), ("2026-03-31", "2026-04-30")],
)
async def test_cycle_that_began_on_the_31st_goes_to_the_ends_of_months(
    fresh_redis: Redis, day: str, expected: str
) -> None:
    start = _ms(datetime(2026, 1, 31, 15, tzinfo=UTC))
    now = _ms(datetime.fromisoformat(day).replace(tzinfo=UTC))
    first, last = await window(fresh_redis, "UTC", "cycle", now, start)

    assert first <= now < last
    bound = first if day == expected else last
    assert datetime.fromtimestamp(bound / 1000, UTC).date().isoformat() == expected


async def test_window_none_and_a_plan_without_cycles_never_end(fresh_redis: Redis) -> None:
    assert await window(fresh_redis, "UTC", "none", 5) == (0, 0)
    assert await window(fresh_redis, "UTC", "cycle", 5, 0, 0) == (0, 0)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "..", "Europe", "zone.tab", "/etc/passwd", "Europe/../UTC"])
def test_what_is_no_zone_is_told(name: str) -> None:
    with pytest.raises(ValueError, match="is no time zone"):
        zone_record(name)
