from __future__ import annotations

from pathlib import Path

from metering.rating import load_catalog
from metering.rating.repricing import Repriced, Repricing, Usage
from tests.rating.decks import request, shipped, sms, write_rates


def test_usage_is_added_up_by_customer_under_both_rates(tmp_path: Path) -> None:
    old = load_catalog(write_rates(tmp_path / "old", [sms("1", "0.01"), sms("44", "0.04")]))
    new = load_catalog(write_rates(tmp_path / "new", [sms("1", "0.02")]))
    text = request("sms", "+14155552671", segments=2)
    usage = [
        Usage("a", "test", text),
        Usage("b", "test", text),
        Usage("a", "test", request("sms", "+447400123456", segments=1)),
        Usage("a", "gone", text),
    ]
    repriced = Repricing(old, new)
    for used in usage:
        repriced.add(used)
    assert [
        Repriced(
            customer="a", plan="test", unit="USD", requests=2, old_micros=60_000, new_micros=40_000, new_refused=1
        ),
        Repriced(customer="b", plan="test", unit="USD", requests=1, old_micros=20_000, new_micros=40_000),
        Repriced(customer="a", plan="gone", unit="", requests=1, old_refused=1, new_refused=1),
    ] == repriced.totals  # fmt: skip
    assert [-20_000, 20_000, 0] == [total.difference_micros for total in repriced.totals]


def test_prices_of_next_year_are_asked_by_moving_the_time() -> None:
    used = Usage("a", "payg-usd", request("sms", "+447400123456", segments=1))
    for shift_days, expected in ((0, 100_800), (365, 95_800)):
        repricing = Repricing(shipped(), shipped(), shift_days * 86_400_000)
        repricing.add(used)
        assert expected == repricing.totals[0].new_micros
