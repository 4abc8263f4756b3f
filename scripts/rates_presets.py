"""Writes the decks of the preset plans into `rates/`: the published credit prices, and invented ones elsewhere.

Leaves the world deck in US dollars to `rates_world`. Run: `python -m scripts.rates_presets [RATES_DIRECTORY]`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.rates_world import NAMES, START, Fields, invent_price, unique_prefixes, write_table

Prefixes = list[tuple[str, str, str]]

COLUMNS = {
    "credits-messages": "channel direction sender_type prefix destination country price per segmenting effective_from "
    "reject",
    "simple-messages": "channel direction prefix destination country price per effective_from reject",
    "credits-calls": "channel direction prefix destination country price per first next effective_from reject",
    "credits-fees": "surcharge channel direction sender_type prefix destination price per segmenting effective_from",
    "inr-messages": "channel direction prefix destination country price per conversation_class charge_on "
    "effective_from",
}
# A rupee price is the dollar price times this; the true rate changes daily, an invented price need not.
RUPEES = 83


def halves(number: int) -> str:
    """Write a number of half credits as a decimal string."""
    return f"{number // 2}.5" if number % 2 else f"{number // 2}"


def credit_prefixes(prefixes: Prefixes) -> Iterator[tuple[str, str]]:
    """Yield (country, prefix): the US as the whole of `1`, its neighbours in the plan by their own area codes."""
    yield "US", "1"
    for region, prefix, kind in prefixes:
        if region != "US" and kind in {"country", "area"}:
            yield region, prefix


def credit_message_rows(prefixes: Prefixes) -> Iterator[Fields]:
    """Yield texts by blocks of 160 characters, pictures by recipient, both in credits."""
    for region, prefix in credit_prefixes(prefixes):
        credit = 2 if region == "US" else invent_price(region, "credit sms", 2, 16)
        row = {"channel": "sms", "direction": "outbound", "prefix": prefix, "destination": NAMES[region]}
        row |= {"country": region, "price": halves(credit), "per": "segment", "segmenting": "flat160"}
        yield {**row, "effective_from": START}
        if region == "US":
            yield {**row, "sender_type": "toll_free", "price": "1.5", "effective_from": START}
            yield {**row, "direction": "inbound", "price": "0", "effective_from": START}
        else:
            inbound = halves(invent_price(region, "credit inbound", 0, 2))
            yield {**row, "direction": "inbound", "price": inbound, "effective_from": START}
    row = {"channel": "mms", "prefix": "*", "destination": "Everywhere", "per": "recipient", "effective_from": START}
    yield {**row, "direction": "outbound", "price": "2"}
    yield {**row, "direction": "inbound", "price": "0"}
    yield from worldwide_rejects("sms")


def simple_message_rows(prefixes: Prefixes) -> Iterator[Fields]:
    """Yield texts by part as the network counts them: one credit at home, more abroad."""
    for region, prefix in credit_prefixes(prefixes):
        credit = 2 if region in {"US", "MX", "ES"} else invent_price(region, "simple sms", 2, 12)
        row = {"channel": "sms", "direction": "outbound", "prefix": prefix, "destination": NAMES[region]}
        row |= {"country": region, "price": halves(credit), "per": "segment", "effective_from": START}
        yield row
        yield {**row, "direction": "inbound", "price": "0"}
    yield from worldwide_rejects("sms")


def worldwide_rejects(channel: str) -> Iterator[Fields]:
    """Refuse satellite and personal numbers, which a plan in credits has no price for."""
    for prefix in ("870", "878", "881", "882", "883", "888"):
        row = {"channel": channel, "direction": "outbound", "prefix": prefix, "destination": "Worldwide service"}
        yield {**row, "country": "001", "reject": "yes", "effective_from": START}


def credit_call_rows(prefixes: Prefixes) -> Iterator[Fields]:
    """Yield calls and voice broadcasts by whole minutes."""
    for region, prefix in credit_prefixes(prefixes):
        credit = 4 if region == "US" else invent_price(region, "credit voice", 4, 60)
        row = {"channel": "voice", "prefix": prefix, "destination": NAMES[region], "country": region}
        row |= {"per": "minute", "first": "60", "next": "60", "effective_from": START}
        yield {**row, "direction": "outbound", "price": halves(credit)}
        yield {**row, "direction": "forwarded", "price": halves(credit + 2)}
    row = {"channel": "voice", "direction": "inbound", "prefix": "*", "destination": "Everywhere", "price": "0"}
    yield {**row, "per": "minute", "first": "60", "next": "60", "effective_from": START}
    yield from worldwide_rejects("voice")


def credit_fee_rows(_: Prefixes) -> Iterator[Fields]:
    """Yield the fixed charges in credits."""
    base = {"prefix": "*", "destination": "Everywhere", "effective_from": START}
    voice = {**base, "channel": "voice", "per": "call"}
    yield {**voice, "surcharge": "machine_detection", "direction": "outbound", "price": "0.5"}
    yield {**voice, "surcharge": "voicemail_recording", "direction": "inbound", "price": "1"}
    yield {**voice, "surcharge": "voicemail_transcription", "direction": "inbound", "price": "4"}
    sms = {**base, "channel": "sms", "direction": "outbound", "per": "segment", "segmenting": "flat160"}
    yield {**sms, "surcharge": "reprocessing", "sender_type": "toll_free", "price": "1"}
    number = {**base, "channel": "number", "direction": "outbound", "per": "cycle"}
    yield {**number, "surcharge": "number_rental", "price": "500"}


def rupee_rows(prefixes: Prefixes) -> Iterator[Fields]:
    """Yield conversations by class and texts by part, in rupees."""
    for region, prefix in credit_prefixes(prefixes):
        base = {"prefix": prefix, "destination": NAMES[region], "country": region, "effective_from": START}
        business = invent_price(region, "business", 90, 1_400) * RUPEES
        prices = {"free": 0, "business_initiated": business, "user_initiated": business * 2 // 3}
        for named, price in prices.items():
            row = {**base, "channel": "conversation", "per": "conversation", "conversation_class": named}
            for direction in ("outbound", "inbound"):
                yield {**row, "direction": direction, "price": write_rupees(price), "charge_on": "submit"}
        text = invent_price(region, "sms False", 75, 1_800) * RUPEES
        row = {**base, "channel": "sms", "per": "segment", "price": write_rupees(text)}
        yield {**row, "direction": "outbound", "charge_on": "sent"}
        yield {**row, "direction": "inbound", "price": "0", "charge_on": "submit"}


def write_rupees(ten_thousandths: int) -> str:
    """Write 1/10,000 rupees as a decimal string."""
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d}"


def main(directory: Path) -> None:
    """Write every table under `directory`."""
    prefixes = unique_prefixes()
    tables = {
        "decks/credits-messages": credit_message_rows,
        "decks/simple-messages": simple_message_rows,
        "decks/credits-calls": credit_call_rows,
        "surcharges/credits-fees": credit_fee_rows,
        "decks/inr-messages": rupee_rows,
    }
    for name, make in tables.items():
        columns = COLUMNS[Path(name).name].split()
        count = write_table(directory / f"{name}.csv", columns, make(prefixes))
        print(f"{name}.csv: {count} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "rates")
