"""`metering rates explain`: one price, in words or as JSON. Leaves the price to `rating`."""

from __future__ import annotations

import argparse
import time

from metering.cli.output import fail, print_json
from metering.cli.rates_sources import load_rates
from metering.errors import Fatal
from metering.rating import Refusal
from metering.rating.estimate import EstimateRequest, estimate, to_price_request
from metering.rating.explain import explain
from metering.settings import load_settings


def explain_price(arguments: argparse.Namespace) -> int:
    """Exit 0 with a price, 1 with a refusal, which is explained as well."""
    catalog = load_rates(load_settings(), arguments.rates)
    plan = catalog.plans.get(arguments.plan)
    if plan is None:
        raise Fatal(f"no plan {arguments.plan!r}; there are {', '.join(sorted(catalog.plans))}")
    request = EstimateRequest(
        channel=arguments.channel,
        to=tuple(arguments.to),
        plan=arguments.plan,
        direction=arguments.direction,
        feature=arguments.feature,
        text=arguments.text,
        segments=arguments.segments,
        media=arguments.media,
        seconds=arguments.seconds,
        sender_type=arguments.sender_type,
        mcc_mnc=arguments.mcc_mnc,
        conversation_class=arguments.conversation_class,
        machine_detection=arguments.machine_detection,
        country=arguments.country,
        at=arguments.at.isoformat() if arguments.at is not None else None,
    )
    now_ms = time.time_ns() // 1_000_000
    try:
        explanation = explain(plan, to_price_request(request, now_ms))
    except ValueError as error:
        raise Fatal(str(error)) from error
    refused = isinstance(explanation.answer, Refusal)
    if arguments.json:
        answer = estimate(catalog, request, explanation.request.at_ms)
        print_json(
            {"plan": plan.id, "rates_version": catalog.version, "at_ms": explanation.request.at_ms} | _fields(answer)
        )
    else:
        print(explanation)
        print(f"  rates: version {catalog.version}")
    if refused:
        fail("there is no price")
    return 1 if refused else 0


def _fields(answer: object) -> dict[str, object]:
    import msgspec

    fields = msgspec.to_builtins(answer)
    assert isinstance(fields, dict)  # noqa: S101  for the type checker
    return fields
