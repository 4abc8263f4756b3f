"""`metering rates diff`: what changes by destination, and what customers would have paid. Leaves both to `rating`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping

from metering.cli.output import format_amount, format_table, print_json
from metering.cli.rates_sources import load_rates
from metering.cli.running import run_async
from metering.rating.diff import Change, describe_offer, diff, summarise
from metering.rating.repricing import Repriced
from metering.settings import load_settings
from metering.worker.repricing import UsageReport, reprice_usage

HOUR_MS = 3_600_000


def compare(arguments: argparse.Namespace) -> int:
    """Exit 0 whether or not anything changes."""
    settings = load_settings()
    old, new = load_rates(settings, arguments.old), load_rates(settings, arguments.new)
    report = None
    if arguments.usage is not None:
        now_ms = time.time_ns() // 1_000_000
        shift_ms = int(arguments.at.timestamp() * 1_000) - now_ms if arguments.at is not None else 0
        since_ms = now_ms - int(arguments.usage * HOUR_MS)
        report = run_async(reprice_usage(settings, old, new, since_ms, shift_ms))
    changes = diff(old, new)
    if arguments.json:
        document: dict[str, object] = {
            "old": old.version,
            "new": new.version,
            "summary": summarise(changes),
            "changes": [_fields(change) for change in changes],
        }
        if report is not None:
            document["usage"] = _usage_fields(report, arguments.usage)
        print_json(document)
        return 0
    for change in changes:
        print(change)
    counts = ", ".join(f"{count} {kind}" for kind, count in summarise(changes).items())
    print(f"{old.version} -> {new.version}: {counts}")
    if report is not None:
        _print_usage(report, arguments.usage)
    return 0


def _fields(change: Change) -> Mapping[str, object]:
    named = ("plan", "charge", "channel", "direction", "sender_type", "conversation_class", "prefix", "mcc_mnc")
    fields: dict[str, object] = {"kind": change.kind} | {name: getattr(change, name) for name in named}
    for side in ("old", "new"):
        offer = getattr(change, side)
        fields[side] = describe_offer(offer)
        fields[f"{side}_price_micros"] = offer[0].price_micros if offer and not offer[0].terms.reject else None
    return fields | {"destination": change.destination, "country": change.country, "from_ms": change.from_ms}


def _usage_fields(report: UsageReport, hours: float) -> Mapping[str, object]:
    return {
        "hours": hours,
        "inputs": report.inputs,
        "gone": report.gone,
        "unpriced": report.unpriced,
        "totals": [
            {"unit": unit, "old_micros": old, "new_micros": new, "difference_micros": new - old}
            for unit, (old, new) in _totals(report.customers).items()
        ],
        "customers": [
            {
                "customer": one.customer,
                "plan": one.plan,
                "unit": one.unit,
                "requests": one.requests,
                "old_micros": one.old_micros,
                "new_micros": one.new_micros,
                "difference_micros": one.difference_micros,
                "old_refused": one.old_refused,
                "new_refused": one.new_refused,
            }
            for one in _by_difference(report.customers)
        ],
    }


def _print_usage(report: UsageReport, hours: float) -> None:
    rows = [
        (
            one.customer,
            one.plan,
            f"{one.requests:,}",
            format_amount(one.old_micros),
            format_amount(one.new_micros),
            format_amount(one.difference_micros),
            one.unit,
            f"{one.new_refused:,}",
        )
        for one in _by_difference(report.customers)
    ]
    head = ("customer", "plan", "charges", "old", "new", "difference", "unit", "refused")
    print(format_table(head, rows, right=(2, 3, 4, 5, 7)))
    for unit, (old, new) in _totals(report.customers).items():
        print(f"all: {format_amount(old)} -> {format_amount(new)} {unit}, difference {format_amount(new - old)}")
    print(
        f"the last {hours:g} hours: {report.inputs:,} charged inputs, {report.gone:,} of them not to be read any more,"
        f" {report.unpriced:,} with amounts of their own"
    )


def _by_difference(customers: Iterable[Repriced]) -> list[Repriced]:
    return sorted(customers, key=lambda one: (-abs(one.difference_micros), one.customer))


def _totals(customers: Iterable[Repriced]) -> dict[str, tuple[int, int]]:
    totals: dict[str, tuple[int, int]] = {}
    for one in customers:
        old, new = totals.get(one.unit, (0, 0))
        totals[one.unit] = (old + one.old_micros, new + one.new_micros)
    return totals
