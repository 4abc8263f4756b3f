"""Makes small rates trees for tests. Leaves what they hold to each test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from metering.rating import Catalog, Plan, Price, PriceRequest, Refusal, load_catalog
from metering.rating.money import RoundingMode
from metering.rating.plan_file import PlanFile, RoundingChoice, TableRef
from metering.rating.rows import Row, RowTerms, Source
from metering.rating.times import BEGINNING_MS, END_MS, parse_moment

DECK_HEADER = (
    "channel,direction,sender_type,prefix,mcc_mnc,destination,country,price,per,conversation_class,first,next,"
    "connect_fee,minimum,charge_on,failed_fee,segmenting,days,hours,effective_from,effective_to,reject"
)
SURCHARGE_HEADER = (
    "surcharge,channel,direction,sender_type,prefix,mcc_mnc,destination,country,price,per,segmenting,effective_from,"
    "effective_to"
)
PLAN = """\
id: test
title: Test
unit: USD
rounding: {{ mode: {mode}, step: "{step}" }}
decks:
  - {{ file: decks/deck.csv, time_zone: {zone} }}
surcharges:
  - {{ file: surcharges/fees.csv }}
{more}
"""
NOON_MS = parse_moment("2026-06-01T12:00:00Z")


def write_table(header: str, rows: Iterable[Mapping[str, object]]) -> str:
    """Write rows under the columns of `header`; what a row does not name stays empty."""
    columns = header.split(",")
    lines = [header]
    for row in rows:
        assert not set(row) - set(columns), row
        lines.append(",".join(str(row.get(column, "")) for column in columns))
    return "\n".join(lines) + "\n"


def write_rates(
    directory: Path,
    rows: Iterable[Mapping[str, object]],
    fees: Iterable[Mapping[str, object]] = (),
    more: str = "",
    mode: str = "half_up",
    step: str = "0.000001",
    zone: str = "UTC",
) -> Path:
    """Write a tree with the one plan `test`; `more` is further YAML of it."""
    for folder in ("plans", "decks", "surcharges"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    (directory / "decks/deck.csv").write_text(write_table(DECK_HEADER, rows))
    (directory / "surcharges/fees.csv").write_text(write_table(SURCHARGE_HEADER, fees))
    (directory / "plans/test.yaml").write_text(PLAN.format(mode=mode, step=step, zone=zone, more=more))
    return directory


def make_plan(
    directory: Path,
    rows: Iterable[Mapping[str, object]],
    fees: Iterable[Mapping[str, object]] = (),
    more: str = "",
    mode: str = "half_up",
    step: str = "0.000001",
    zone: str = "UTC",
) -> Plan:
    """Write and load a tree; return its plan."""
    return load_catalog(write_rates(directory, rows, fees, more, mode, step, zone)).plans["test"]


def sms(prefix: str, price: str, **more: object) -> dict[str, object]:
    """A row for outbound texts by part."""
    return {"channel": "sms", "direction": "outbound", "prefix": prefix, "price": price, "per": "segment", **more}


def voice(prefix: str, price: str, **more: object) -> dict[str, object]:
    """A row for outbound calls by the minute."""
    return {"channel": "voice", "direction": "outbound", "prefix": prefix, "price": price, "per": "minute", **more}


def request(channel: str, to: str | tuple[str, ...], **more: object) -> PriceRequest:
    """A request at noon of 1 June 2026 unless `at_ms` says otherwise."""
    numbers = (to,) if isinstance(to, str) else to
    return PriceRequest(**{"channel": channel, "to": numbers, "at_ms": NOON_MS, **more})  # type: ignore[arg-type]


def priced(plan: Plan, asked: PriceRequest) -> Price:
    """The price of a request that has one."""
    price = plan.price(asked)
    assert isinstance(price, Price), price
    return price


def refused(plan: Plan, asked: PriceRequest) -> Refusal:
    """The refusal of a request that has no price."""
    refusal = plan.price(asked)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def make_row(number: int, **fields: object) -> Row:
    """A row for outbound texts, always in force, at 0.01 a part, except for `fields`."""
    own: dict[str, object] = {
        "number": number, "prefix": "+1", "mcc_mnc": None, "destination": "Somewhere", "country": "US",
        "price_micros": 10_000,
    }  # fmt: skip
    terms: dict[str, object] = {
        "source": Source("deck", "0" * 12, "decks/deck.csv", "UTC"), "charge": "rate", "channel": "sms",
        "direction": "outbound", "sender_type": None, "per": "segment", "conversation_class": None, "first": 60,
        "next": 60, "connect_fee_micros": 0, "minimum_micros": 0, "charge_on": "submit", "failed_fee_micros": 0,
        "segmenting": "gsm7_ucs2", "band": None, "from_ms": BEGINNING_MS, "to_ms": END_MS, "reject": False,
    }  # fmt: skip
    own |= {name: fields[name] for name in own.keys() & fields.keys()}
    terms |= {name: fields[name] for name in fields.keys() - own.keys()}
    return Row(**own, terms=RowTerms(**terms))  # type: ignore[arg-type]


def make_file(mode: RoundingMode, step: str) -> PlanFile:
    """A plan of one deck that is not read."""
    return PlanFile(
        id="test", title="Test", unit="USD", rounding=RoundingChoice(mode=mode, step=step), decks=(TableRef(file="x"),)
    )


def shipped() -> Catalog:
    """The shipped rates, loaded once for all tests."""
    if not _LOADED:
        _LOADED.append(load_catalog())
    return _LOADED[0]


_LOADED: list[Catalog] = []


def rows_of(plan: Plan, charge: str, channel: str) -> list[Row]:
    """Return a plan's outbound rows of one charge and channel, in the order of its tables."""
    wanted = (charge, channel, "outbound")
    return [row for row in plan.book.rows if (row.terms.charge, row.terms.channel, row.terms.direction) == wanted]
