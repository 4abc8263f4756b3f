from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating.times import Band, format_instant, parse_band, parse_instant, parse_moment

UTC = ZoneInfo("UTC")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def band(days: str, hours: str, zone: str = "UTC") -> Band:
    found = parse_band(days, hours, zone)
    assert found is not None
    return found


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


@pytest.mark.parametrize(
    ("days", "hours", "inside", "outside"),
    [
        ("mon-fri", "", "2026-06-01T00:00", "2026-06-06T12:00"),
        ("", "08:00-20:00", "2026-06-01T08:00", "2026-06-01T20:00"),
        ("sat;sun", "", "2026-06-07T23:59", "2026-06-08T00:00"),
        ("fri-mon", "", "2026-06-01T12:00", "2026-06-02T12:00"),
        ("mon", "22:00-06:00", "2026-06-02T05:59", "2026-06-01T05:59"),
        ("sun", "22:00-06:00", "2026-06-08T05:59", "2026-06-07T05:59"),
        ("mon", "00:00-24:00", "2026-06-01T23:59", "2026-06-02T00:00"),
        ("", "06:00-09:00;16:00-19:00", "2026-06-01T16:00", "2026-06-01T12:00"),
    ],
)
def test_band_covers_its_minutes_and_no_more(days: str, hours: str, inside: str, outside: str) -> None:
    assert band(days, hours).covers(at(inside))
    assert not band(days, hours).covers(at(outside))


def test_band_follows_the_local_clock_through_daylight_saving() -> None:
    morning = band("", "08:00-09:00", "Europe/Berlin")
    assert morning.covers(at("2026-01-15T08:30", "Europe/Berlin"))
    assert morning.covers(at("2026-07-15T08:30", "Europe/Berlin"))
    assert not morning.covers(at("2026-07-15T08:30"))


minutes = st.integers(0, 1439)


@settings(max_examples=200, deadline=None)
@given(
    first=st.integers(0, 6), last=st.integers(0, 6), start=minutes, end=st.integers(1, 1440),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"]),
    seconds=st.integers(0, 4 * 10**9),
)  # fmt: skip
def test_band_equals_asking_the_calendar(first: int, last: int, start: int, end: int, zone: str, seconds: int) -> None:
    if start == end:
        return
    hours = f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    days = {day % 7 for day in range(first, last + 1 if last >= first else last + 8)}
    local = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    minute, today = local.hour * 60 + local.minute, local.weekday()
    yesterday = (today - 1) % 7
    if end > start:
        expected = today in days and start <= minute < end
    else:
        expected = (today in days and minute >= start) or (yesterday in days and minute < end)
    assert expected == band(f"{DAYS[first]}-{DAYS[last]}", hours, zone).covers(seconds * 1000)


def test_bands_meet_when_they_share_a_minute() -> None:
    assert band("mon", "").meets(band("", "12:00-13:00"))
    assert not band("mon-fri", "").meets(band("sat-sun", ""))
    assert band("sun", "22:00-06:00").meets(band("mon", "00:00-01:00"))


@pytest.mark.parametrize(
    ("days", "hours"), [("monday", ""), ("mon-", ""), ("", "8-9"), ("", "12:00-12:00"), ("", "00:00-24:30")]
)
def test_band_that_makes_no_sense_is_refused(days: str, hours: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_band(days, hours, "UTC")


def test_no_days_and_no_hours_are_no_band() -> None:
    assert parse_band("", "", "UTC") is None


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-01", "UTC", "2026-01-01T00:00:00Z"),
        ("2026-01-01", "Asia/Kolkata", "2025-12-31T18:30:00Z"),
        ("2026-07-01", "America/New_York", "2026-07-01T04:00:00Z"),
        ("2026-01-01T00:00:00+02:00", "UTC", "2025-12-31T22:00:00Z"),
        ("2026-01-01T00:00:00.5Z", "UTC", "2026-01-01T00:00:00.500Z"),
    ],
)
def test_date_is_midnight_in_the_decks_zone_and_an_instant_is_itself(text: str, zone: str, expected: str) -> None:
    assert expected == format_instant(parse_instant(text, ZoneInfo(zone)))


@given(st.integers(-(10**12), 4 * 10**12))
def test_instant_written_and_read_is_the_same(at_ms: int) -> None:
    assert at_ms == parse_moment(format_instant(at_ms))


def test_day_that_daylight_saving_begins_starts_at_local_midnight() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    day = timedelta(milliseconds=parse_instant("2026-03-30", berlin) - parse_instant("2026-03-29", berlin))
    assert day == timedelta(hours=23)
    assert parse_instant("2026-03-29", UTC) - parse_instant("2026-03-29", berlin) == 3_600_000
