"""Arguments as people write them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta, timezone

import pytest

from metering.cli.parsing import parse_count, parse_moment, parse_seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00Z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30+02:00", datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_moment_is_utc_unless_it_says_otherwise(text: str, expected: datetime) -> None:
    assert expected == parse_moment(text)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1700000000000000"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_moment(text)


@pytest.mark.parametrize(("text", "expected"), [("7", 7), ("100_000", 100_000), ("100,000", 100_000)])
def test_count_may_have_separators(text: str, expected: int) -> None:
    assert expected == parse_count(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_count(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "", "soon"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_seconds(text)
