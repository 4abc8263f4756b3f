"""Writes the synthetic world deck into `rates/`: destinations from public numbering plans, prices invented.

Leaves which prefixes exist to `rates_prefixes`. Run: `python -m scripts.rates_world [RATES_DIRECTORY]`.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from babel import Locale

from scripts.rates_prefixes import calling_codes, kind_prefixes, leading_digits, merge_prefixes

Fields = dict[str, str]

COLUMNS = {
    "world-sms": "channel direction sender_type prefix mcc_mnc destination country price per charge_on failed_fee "
    "effective_from effective_to reject",
    "world-mms": "channel direction prefix destination country price per charge_on effective_from",
    "world-voice": "channel direction prefix destination country price per first next connect_fee minimum days hours "
    "effective_from reject",
    "world-conversation": "channel direction prefix destination country price per conversation_class effective_from",
    "world-fees": "surcharge channel direction sender_type prefix destination country price per effective_from",
}
START = "2025-01-01"
# The two scheduled changes, and one that has already come about: a backdated event must still find the old price.
CHANGES = {"US": ("2027-01-01", 108), "GB": ("2027-04-01", 95), "FR": ("2026-01-01", 112)}
NAMES = Locale("en").territories
# Services that are no country's (ITU-T E.164 list): satellite and international networks have a price, personal and
# disaster-relief numbers are refused, freephone (+800), shared cost (+808) and premium (+979) have no row at all.
WORLDWIDE = {
    "870": ("Inmarsat satellite", 9_500), "881": ("Global mobile satellite", 8_900),
    "882": ("International networks", 6_100), "883": ("International networks", 5_800),
}  # fmt: skip
WORLDWIDE_REJECTED = {"878": "Universal personal numbers", "888": "Disaster relief"}
MMS_COUNTRIES = ("US", "CA", "GB", "AU", "DE", "FR", "ES", "SE")
DELIVERED_COUNTRIES = ("IN", "BR", "ID", "NG")
SENT_COUNTRIES = ("DE", "FR", "GB", "ES", "IT")
AREA_DIGITS = 3  # of the North American numbering plan
# Public MCC-MNC codes of a few large networks, so that routing by network has something to find.
NETWORKS = {
    "310-260": "US", "311-480": "US", "310-410": "US", "302-720": "CA", "234-15": "GB", "234-30": "GB",
    "262-01": "DE", "262-02": "DE", "208-01": "FR", "208-10": "FR", "214-07": "ES", "222-01": "IT", "250-01": "RU",
    "401-01": "KZ", "404-45": "IN", "405-857": "IN", "724-05": "BR", "505-01": "AU", "440-10": "JP", "655-01": "ZA",
}  # fmt: skip


def invent_price(region: str, what: str, low: int, high: int) -> int:
    """Invent a price in 1/10,000 units between `low` and `high`: the same for the same words, skewed to low."""
    fraction = int.from_bytes(hashlib.sha256(f"{region}/{what}".encode()).digest()[:4]) / 2**32
    return low + round((high - low) * fraction**3)


def write_price(ten_thousandths: int) -> str:
    """Write 1/10,000 units as a decimal string."""
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d}"


def region_prefixes() -> Iterator[tuple[str, str, str]]:
    """Yield (country, prefix, kind) for every region; kind is `country`, `mobile`, `premium` or `area`."""
    for code, regions in calling_codes():
        if regions == ("001",):
            continue
        for region in regions:
            if code == 1:
                yield from nanp_prefixes(region)
                continue
            kinds = kind_prefixes(region, 4)
            heads = leading_digits(region)
            if region == regions[0]:
                yield region, str(code), "country"
            else:
                for head in heads or merge_prefixes(own_prefixes(region, regions[0])):
                    yield region, f"{code}{head}", "country"
            for kind in ("mobile", "premium"):
                chosen = [prefix for prefix, found in kinds.items() if found == kind]
                if region != regions[0]:
                    main = kind_prefixes(regions[0], 4)
                    chosen = [prefix for prefix in chosen if prefix not in main]
                for prefix in merge_prefixes(chosen):
                    yield region, f"{code}{prefix}", kind


def own_prefixes(region: str, main: str) -> set[str]:
    """Find what sets a region apart that shares its calling code: what the main one does not use, else fixed lines."""
    for depth in (4, 6):
        own = set(kind_prefixes(region, depth)) - set(kind_prefixes(main, depth))
        if own:
            return own
    return {prefix for prefix, kind in kind_prefixes(region, 4).items() if kind == "fixed"}


def nanp_prefixes(region: str) -> Iterator[tuple[str, str, str]]:
    """Country code 1 has no row of its own: every area code stands for itself."""
    areas = [head for head in leading_digits(region) if len(head) == AREA_DIGITS]
    if not areas:
        areas = sorted(area for area, kind in kind_prefixes(region, 3).items() if kind == "fixed")
    for area in areas:
        yield region, f"1{area}", "area"


def unique_prefixes() -> list[tuple[str, str, str]]:
    """One owner for each prefix and kind; the first region listed keeps a prefix that several could claim."""
    seen: set[str] = set()
    rows = []
    for region, prefix, kind in region_prefixes():
        if prefix not in seen:
            seen.add(prefix)
            rows.append((region, prefix, kind))
    return rows


def dated(fields: Fields, region: str) -> Iterator[Fields]:
    """Yield the row from the start and, where its country has a change, the row from then on."""
    yield {**fields, "effective_from": START}
    if region in CHANGES and fields.get("price"):
        date, percent = CHANGES[region]
        whole, decimals = fields["price"].split(".")
        price = write_price(round(int(whole + decimals) * percent / 100))
        yield {**fields, "price": price, "effective_from": date}


def sms_rows(prefixes: list[tuple[str, str, str]]) -> Iterator[Fields]:
    """Yield texts by part, by sender type where a country tells them apart."""
    for region, prefix, kind in prefixes:
        if kind == "mobile" and region != "GB" and len(prefix) > AREA_DIGITS:
            continue
        price = invent_price(region, f"sms {kind == 'mobile'}", 75, 1_800)
        moment = "delivered" if region in DELIVERED_COUNTRIES else "sent" if region in SENT_COUNTRIES else "submit"
        row = {
            "channel": "sms", "direction": "outbound", "prefix": prefix, "destination": describe(region, kind),
            "country": region, "price": write_price(price), "per": "segment", "charge_on": moment,
            "failed_fee": "0.0010" if moment == "delivered" else "",
        }  # fmt: skip
        if kind == "premium":
            yield {**row, "price": "", "reject": "yes", "effective_from": START}
            continue
        yield from dated(row, region)
        if region in ("US", "CA"):
            yield from dated({**row, "sender_type": "toll_free", "price": write_price(price + 8)}, region)
            yield from dated({**row, "sender_type": "short_code", "price": write_price(price + 15)}, region)
            yield {**row, "sender_type": "alphanumeric", "price": "", "reject": "yes", "effective_from": START}
        elif kind == "country" and invent_price(region, "alphanumeric", 0, 8) > 1:
            yield from dated({**row, "sender_type": "alphanumeric", "price": write_price(price + 40)}, region)
        if kind in ("country", "area"):
            inbound = {**row, "direction": "inbound", "price": write_price(price // 10), "charge_on": "submit"}
            yield {**inbound, "failed_fee": "", "effective_from": START}
    yield from sms_special_rows()


def sms_special_rows() -> Iterator[Fields]:
    """Yield what is no country's, a dearer range inside an area code, and networks."""
    base = {"channel": "sms", "direction": "outbound", "per": "segment", "charge_on": "submit"}
    for prefix, (name, price) in WORLDWIDE.items():
        row = {**base, "prefix": prefix, "destination": name, "country": "001", "price": write_price(price)}
        yield {**row, "effective_from": START}
    for prefix, name in WORLDWIDE_REJECTED.items():
        row = {**base, "prefix": prefix, "destination": name, "country": "001", "reject": "yes"}
        yield {**row, "effective_from": START}
    name = "United States, San Francisco service numbers"
    row = {**base, "prefix": "1415555", "destination": name, "country": "US", "price": "0.0310"}
    yield {**row, "effective_from": START}
    for network, region in NETWORKS.items():
        amount = write_price(invent_price(region, f"sms {network}", 70, 900))
        row = {**base, "mcc_mnc": network, "destination": f"{NAMES[region]}, network {network}", "country": region}
        yield {**row, "price": amount, "effective_from": START}


def voice_rows(prefixes: list[tuple[str, str, str]]) -> Iterator[Fields]:
    """Yield calls out, in and forwarded, by the minute in several increments."""
    for region, prefix, kind in prefixes:
        price = invent_price(region, f"voice {kind == 'mobile'}", 60, 4_000)
        minutes = invent_price(region, "increment", 0, 9) in range(3, 10)
        increments = ("60", "60") if minutes else ("30", "6")
        row = {
            "channel": "voice", "direction": "outbound", "prefix": prefix, "destination": describe(region, kind),
            "country": region, "price": write_price(price), "per": "minute", "first": increments[0],
            "next": increments[1], "effective_from": START,
        }  # fmt: skip
        if kind == "premium":
            yield {**row, "price": "", "first": "", "next": "", "reject": "yes"}
            continue
        yield row
        yield {**row, "direction": "forwarded", "price": write_price(price + 20)}
        if kind in ("country", "area"):
            yield {**row, "direction": "inbound", "price": write_price(price // 4 + 10)}
        if region == "GB" and kind == "country":
            weekend = write_price(price // 2)
            yield {**row, "price": weekend, "days": "sat-sun"}
    for prefix, (name, price) in WORLDWIDE.items():
        yield {
            "channel": "voice", "direction": "outbound", "prefix": prefix, "destination": name, "country": "001",
            "price": write_price(price * 5), "per": "minute", "first": "60", "next": "15",
            "connect_fee": "0.5000", "minimum": "1.0000", "effective_from": START,
        }  # fmt: skip


def mms_rows(prefixes: list[tuple[str, str, str]]) -> Iterator[Fields]:
    """Yield pictures by recipient, for the countries that have them."""
    for region, prefix, kind in prefixes:
        if region not in MMS_COUNTRIES or kind not in ("country", "area"):
            continue
        price = invent_price(region, "mms", 150, 900)
        row = {
            "channel": "mms", "direction": "outbound", "prefix": prefix, "destination": describe(region, kind),
            "country": region, "price": write_price(price), "per": "recipient", "charge_on": "submit",
        }  # fmt: skip
        yield from dated(row, region)
        yield {**row, "direction": "inbound", "price": write_price(price // 3), "effective_from": START}


def conversation_rows(prefixes: list[tuple[str, str, str]]) -> Iterator[Fields]:
    """Yield conversations by class; free ones cost nothing."""
    for region, prefix, kind in prefixes:
        if kind not in ("country", "area"):
            continue
        prices = {"free": 0, "business_initiated": invent_price(region, "business", 90, 1_400)}
        prices["user_initiated"] = prices["business_initiated"] * 2 // 3
        for named, price in prices.items():
            for direction in ("outbound", "inbound"):
                yield {
                    "channel": "conversation", "direction": direction, "prefix": prefix,
                    "destination": describe(region, kind), "country": region, "price": write_price(price),
                    "per": "conversation", "conversation_class": named, "effective_from": START,
                }  # fmt: skip


def fee_rows(prefixes: list[tuple[str, str, str]]) -> Iterator[Fields]:
    """Carrier fees of the NANP, and the fixed charges. A price of 0 ends a fee that a shorter prefix would bring."""
    fees = {"": "0.0030", "toll_free": "0.0025", "short_code": "0.0035"}
    for sender, price in fees.items():
        row = {"surcharge": "carrier_fee", "channel": "sms", "direction": "outbound", "sender_type": sender}
        row |= {"per": "segment", "effective_from": START}
        yield {**row, "prefix": "1", "destination": "United States", "country": "US", "price": price}
        for region, prefix, kind in prefixes:
            if kind == "area" and region != "US":
                amount = "0.0040" if region == "CA" else "0.0000"
                yield {**row, "prefix": prefix, "destination": NAMES[region], "country": region, "price": amount}
    mms = {"surcharge": "carrier_fee", "channel": "mms", "direction": "outbound", "effective_from": START}
    yield {**mms, "prefix": "1", "destination": "US and CA", "country": "US", "price": "0.0070", "per": "message"}
    for name, direction, price in (
        ("machine_detection", "outbound", "0.0075"),
        ("voicemail_recording", "inbound", "0.0050"),
        ("voicemail_transcription", "inbound", "0.0500"),
    ):
        row = {"surcharge": name, "channel": "voice", "direction": direction, "prefix": "*", "price": price}
        yield {**row, "destination": "Everywhere", "per": "call", "effective_from": START}
    row = {"surcharge": "reprocessing", "channel": "sms", "sender_type": "toll_free", "prefix": "1", "price": "0.0050"}
    yield {**row, "direction": "outbound", "destination": "NANP", "per": "segment", "effective_from": START}
    for sender, price in (("", "1.0000"), ("toll_free", "2.0000"), ("short_code", "500.0000")):
        row = {"surcharge": "number_rental", "channel": "number", "direction": "outbound", "sender_type": sender}
        yield {
            **row,
            "prefix": "*",
            "destination": "Any number",
            "price": price,
            "per": "month",
            "effective_from": START,
        }


def describe(region: str, kind: str) -> str:
    """Return the destination's name as a price list writes it."""
    return f"{NAMES[region]}, {kind}" if kind in ("mobile", "premium") else NAMES[region]


def write_table(path: Path, columns: list[str], rows: Iterator[Fields]) -> int:
    """Write one table; returns the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        count = 0
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def main(directory: Path) -> None:
    """Write all five tables under `directory`."""
    prefixes = unique_prefixes()
    tables = {
        "decks/world-sms": sms_rows, "decks/world-mms": mms_rows, "decks/world-voice": voice_rows,
        "decks/world-conversation": conversation_rows, "surcharges/world-fees": fee_rows,
    }  # fmt: skip
    for name, make in tables.items():
        columns = COLUMNS[Path(name).name].split()
        count = write_table(directory / f"{name}.csv", columns, make(prefixes))
        print(f"{name}.csv: {count} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "rates")
