"""What a message, call or conversation costs. Pure: leaves balances to `ledger` and topics to `worker`."""

from __future__ import annotations

from metering.rating.catalog import Catalog, load_catalog, load_files, shipped_rates
from metering.rating.money import AMOUNT_MICROS_MAX, MICROS, format_micros, parse_micros
from metering.rating.numbers import Number, country_of, is_e164, normalise_number
from metering.rating.packing import Packed, PackingError, pack_files, unpack_files
from metering.rating.plan import Plan
from metering.rating.plan_file import AlertRule
from metering.rating.policies import Policies
from metering.rating.price import (
    RECIPIENTS_MAX,
    CounterUse,
    LineTerms,
    Price,
    PriceLine,
    PriceRequest,
    RecipientPrice,
    Refusal,
    TierStep,
)
from metering.rating.problems import Problem, RatesError
from metering.rating.segments import SEGMENTS_MAX, Segments, count_segments

__all__ = [
    "AMOUNT_MICROS_MAX",
    "MICROS",
    "RECIPIENTS_MAX",
    "SEGMENTS_MAX",
    "AlertRule",
    "Catalog",
    "CounterUse",
    "LineTerms",
    "Number",
    "Packed",
    "PackingError",
    "Plan",
    "Policies",
    "Price",
    "PriceLine",
    "PriceRequest",
    "Problem",
    "RatesError",
    "RecipientPrice",
    "Refusal",
    "Segments",
    "TierStep",
    "count_segments",
    "country_of",
    "format_micros",
    "is_e164",
    "load_catalog",
    "load_files",
    "normalise_number",
    "pack_files",
    "parse_micros",
    "shipped_rates",
    "unpack_files",
]
