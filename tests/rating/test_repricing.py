from __future__ import annotations

from pathlib import Path

from metering.rating import load_catalog
from metering.rating.repricing import Repriced, Usage, reprice
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
    assert [
        Repriced(
            customer="a", plan="test", unit="USD", requests=2, old_micros=60_000, new_micros=40_000, new_refused=1
        ),
        Repriced(customer="b", plan="test", unit="USD", requests=1, old_micros=20_000, new_micros=40_000),
        Repriced(customer="a", plan="gone", unit="", requests=1, old_refused=1, new_refused=1),
    ] == reprice(old, new, usage)  # fmt: skip


def test_prices_of_next_year_are_asked_by_moving_the_time() -> None:
    used = [Usage("a", "payg-usd", request("sms", "+447400123456", segments=1))]
    assert reprice(shipped(), shipped(), used)[0].new_micros == 100_800
    assert reprice(shipped(), shipped(), used, shift_ms=365 * 86_400_000)[0].new_micros == 95_800
