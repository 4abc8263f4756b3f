from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
from pathlib import Path

import phonenumbers
import pytest

from metering.rating import Price, Refusal, load_catalog, shipped_rates
from metering.rating.check import check_rates
from metering.rating.policies import Policies
from tests.rating.decks import NOON_MS, priced, refused, request, rows_of, shipped

ROOT = Path(__file__).resolve().parents[2]
PLANS = ("currency-inr", "currency-usd", "office-credits", "payg-usd", "rollover-credits", "simple-credits",
         "sub-accounts")  # fmt: skip
BYTES_A_ROW_MAX = 300


def test_shipped_rates_have_every_preset_and_no_problem() -> None:
    assert list(PLANS) == sorted(shipped().plans)
    assert check_rates() == []


def test_worker_holds_a_row_of_the_shipped_rates_in_few_bytes() -> None:
    # All that a worker compiles at its start, and what it says of prices beside rows: 240 bytes a row when it was made.
    load_catalog()
    tracemalloc.start(1)
    try:
        catalog = load_catalog()
        catalog.compile()
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A table that several plans name is held once.
    rows = {row for plan in catalog.plans.values() for row in map(id, plan.book.rows)}
    assert len(rows) > 25_000
    assert held / len(rows) < BYTES_A_ROW_MAX


def test_scripts_write_the_shipped_tables(tmp_path: Path) -> None:
    # One process for both: what takes time is the numbering plans, which they share.
    program = (
        "import sys; from pathlib import Path; from scripts import rates_presets, rates_world;"
        "out = Path(sys.argv[1]); rates_world.main(out); rates_presets.main(out)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, cwd=ROOT)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.csv"))
    assert sorted(path.relative_to(shipped_rates()) for path in shipped_rates().rglob("*.csv")) == written
    for path in written:
        assert (shipped_rates() / path).read_text() == (tmp_path / path).read_text(), f"{path}: run the scripts"


def countries() -> list[str]:
    return sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_every_country_with_a_calling_code_has_a_row(channel: str) -> None:
    rows = rows_of(shipped().plans["payg-usd"], "rate", channel)
    assert set(countries()) - {row.country for row in rows} == set()


def test_example_mobile_number_of_every_country_has_a_price_there() -> None:
    plan = shipped().plans["payg-usd"]
    wrong = {}
    for country in countries():
        example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
        example = example or phonenumbers.example_number(country)
        assert example is not None
        to = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        price = plan.price_sms(to, 1, NOON_MS, None, None)
        if isinstance(price, Refusal) or price.country != country:
            wrong[country] = price if isinstance(price, Refusal) else price.country
    # Mobile numbers of these cannot (all) be told from the main region's by a prefix of four digits.
    assert wrong == {
        "AX": "FI", "BL": "GP", "CC": "AU", "CX": "AU", "EH": "MA", "IM": "GB", "MF": "GP", "SJ": "NO",
        "VA": "IT",
    }  # fmt: skip


@pytest.mark.parametrize("to", ["+979123456789", "+80012345678", "+80812345678", "+10005551234", "+18005551234"])
@pytest.mark.parametrize("plan", ["payg-usd", "currency-usd"])
def test_number_without_row_is_unrated_and_never_free(plan: str, to: str) -> None:
    assert refused(shipped().plans[plan], request("sms", to, segments=1)).reason == "unrated"


def test_calling_code_1_has_no_row_of_its_own() -> None:
    rows = rows_of(shipped().plans["payg-usd"], "rate", "sms")
    assert {row.prefix for row in rows if row.country == "US" and row.mcc_mnc is None and len(row.prefix) < 5} == set()


@pytest.mark.parametrize("to", ["+8881234567", "+87812345678", "+449012345678"])
def test_personal_and_premium_numbers_are_rejected(to: str) -> None:
    assert refused(shipped().plans["payg-usd"], request("sms", to, segments=1)).reason == "rejected_destination"


def test_satellite_call_has_connect_fee_and_minimum() -> None:
    line = priced(shipped().plans["payg-usd"], request("voice", "+881612345678", seconds=1)).lines[0]
    assert (line.connect_fee_micros, line.minimum_micros) == (500_000, 1_000_000)


@pytest.mark.parametrize(("sender", "reason"), [("alphanumeric", "rejected_destination")])
def test_sender_type_that_a_country_does_not_take_is_rejected(sender: str, reason: str) -> None:
    refusal = shipped().plans["payg-usd"].price_sms("+12125551234", 1, NOON_MS, sender, None)
    assert isinstance(refusal, Refusal)
    assert reason == refusal.reason


def test_sender_types_have_their_own_prices_and_fees() -> None:
    plan = shipped().plans["payg-usd"]
    prices = [plan.price_sms("+12125551234", 1, NOON_MS, sender, None) for sender in (None, "toll_free", "short_code")]
    assert len({price.amount_micros for price in prices if isinstance(price, Price)}) == 3


def test_network_has_a_price_of_its_own() -> None:
    plan = shipped().plans["payg-usd"]
    named = priced(plan, request("sms", "+12125551234", segments=1, mcc_mnc="310260"))
    assert named.lines[0].mcc_mnc == "310260"


def test_weekend_call_to_britain_is_cheaper() -> None:
    plan = shipped().plans["payg-usd"]
    monday = priced(plan, request("voice", "+442079460000", seconds=60))
    sunday = priced(plan, request("voice", "+442079460000", seconds=60, at_ms=NOON_MS - 86_400_000))
    assert sunday.amount_micros < monday.amount_micros


def test_two_changes_lie_in_the_future() -> None:
    plan = shipped().plans["payg-usd"]
    for to, date in (("+12125551234", 1_798_761_600_000), ("+442079460000", 1_806_537_600_000)):
        line = priced(plan, request("sms", to, segments=1)).lines[0]
        assert date == line.next_from_ms


def test_version_is_a_hash_of_the_content(tmp_path: Path) -> None:
    assert shipped().version == load_catalog().version
    assert len(shipped().version) == 12


def test_every_policy_has_a_default() -> None:
    assert Policies() == shipped().plans["payg-usd"].policy.__class__()


def presets() -> dict[str, tuple[object, ...]]:
    chosen: dict[str, tuple[object, ...]] = {}
    for name, plan in shipped().plans.items():
        policy = plan.policy
        chosen[name] = (
            plan.unit, policy.wallet_mode, policy.payer, policy.pool_spendable, policy.block_scope,
            policy.scheduled_shortfall, policy.purchase_mode,
        )  # fmt: skip
    return chosen


def test_presets_are_set_as_the_products_are() -> None:
    assert presets() == {
        "office-credits": ("credit", "per_user", "actor_user", False, "outbound_only", "all_or_nothing", "quantity"),
        "rollover-credits": (
            "credit", "shared_pool", "actor_user", True, "outbound_only", "send_until_flag", "packs"
        ),
        "simple-credits": ("credit", "shared_pool", "pool", True, "outbound_only", "all_or_nothing", "quantity"),
        "currency-inr": ("INR", "shared_pool", "pool", True, "all_features", "all_or_nothing", "amount"),
        "currency-usd": ("USD", "shared_pool", "pool", True, "all_features", "all_or_nothing", "amount"),
        "sub-accounts": ("credit", "per_account", "account", False, "outbound_only", "all_or_nothing", "quantity"),
        "payg-usd": ("USD", "shared_pool", "pool", True, "outbound_only", "all_or_nothing", "amount"),
    }  # fmt: skip


def test_alert_levels_and_bounds_are_the_products() -> None:
    plans = shipped().plans
    assert (
        plans["currency-inr"].alerts[0].level_micros,
        plans["currency-inr"].alerts[0].editable,
    ) == (100_000_000, False)
    assert plans["currency-usd"].alerts[0].level_micros == 5_000_000
    assert plans["currency-usd"].alerts[0].rearm_micros == 5_000_001
    bounds = plans["currency-inr"].policy.purchase_bounds
    assert (bounds.min, bounds.max, plans["currency-inr"].policy.tax.rate_percent) == ("100", "100000", "18")
    assert plans["office-credits"].policy.log_window_days == 30
    assert plans["sub-accounts"].alerts[0].enabled is False
