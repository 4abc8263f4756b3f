"""How long pricing takes with a deck of 50,000 rows, beside other ways of finding a prefix, in one run.

Leaves judging the figures to docs/rating.md. Run: `python -m tests.benchmarks.rating [--json]`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import phonenumbers
import pygtrie
from phonenumbers import carrierdata, geodata

from metering.rating import Catalog, Plan, Price, count_segments, load_catalog
from metering.rating.check import check_rates
from metering.rating.rows import Row
from tests.rating.decks import NOON_MS, sms, write_rates

ROWS = 50_000
NUMBERS = 2_000
SEED = 50_000
TEXT = "Your code is 123456. Do not give it to anyone! Bye"
CYRILLIC = "Ваш код 123456. Никому его не сообщайте! До встречи"
REPEATS = 15


def write_deck(directory: Path, price: str = "0.0123") -> Path:
    """Write a tree whose deck has a row for each of 50,000 prefixes of the public numbering plans."""
    prefixes = sorted({*carrierdata.CARRIER_DATA, *geodata.GEOCODE_DATA})
    chosen = random.Random(SEED).sample(prefixes, ROWS)
    return write_rates(directory, [sms(prefix, price, effective_from="2025-01-01") for prefix in sorted(chosen)])


def make_numbers(rows: Sequence[Row]) -> list[str]:
    """Return numbers under random rows, of the length that numbers mostly have."""
    source = random.Random(SEED)
    return [
        row.prefix + "".join(source.choice("0123456789") for _ in range(12 - len(row.prefix)))
        for row in source.choices(rows, k=NUMBERS)
        if len(row.prefix) < 10
    ]


def measure(run: Callable[[Sequence[str]], object], numbers: Sequence[str], repeats: int = REPEATS) -> float:
    """Return the microseconds of one number: the best of several rounds, as the others measure the machine."""
    run(numbers)
    rounds = []
    for _ in range(repeats):
        start = time.perf_counter_ns()
        run(numbers)
        rounds.append((time.perf_counter_ns() - start) / len(numbers) / 1000)
    return round(min(rounds), 2)


def measure_matching(plan: Plan, numbers: Sequence[str]) -> dict[str, float]:
    """Time each way of finding a number's row (or, for phonenumbers, its country), and the whole price."""
    rows = plan.book.rows
    table = plan.book.index("rate", "sms", "outbound").table(None)
    trie = pygtrie.CharTrie({row.prefix: row for row in rows})
    longest = {row.prefix: row for row in rows}

    def price_sms(numbers: Sequence[str]) -> None:
        price = plan.price_sms
        for number in numbers:
            price(number, 1, NOON_MS, None, None)

    def find(numbers: Sequence[str]) -> None:
        for number in numbers:
            table.find(number, NOON_MS)

    def scan(numbers: Sequence[str]) -> None:
        for number in numbers:
            best = None
            for row in rows:
                if number.startswith(row.prefix) and (best is None or len(row.prefix) > len(best.prefix)):
                    best = row

    def search_trie(numbers: Sequence[str]) -> None:
        for number in numbers:
            trie.longest_prefix(number)

    def shorten(numbers: Sequence[str]) -> None:
        for number in numbers:
            for length in range(len(number), 0, -1):
                if number[:length] in longest:
                    break

    def parse(numbers: Sequence[str]) -> None:
        for number in numbers:
            phonenumbers.region_code_for_number(phonenumbers.parse(number))

    return {
        "price of one text (row, amount, lines)": measure(price_sms, numbers),
        "row only": measure(find, numbers),
        "dict, every length": measure(shorten, numbers),
        "pygtrie": measure(search_trie, numbers, 5),
        "phonenumbers (country only)": measure(parse, numbers[:500], 3),
        "linear scan": measure(scan, numbers[:20], 2),
    }


def measure_counting() -> dict[str, float]:
    """Time counting texts of 50 characters, one GSM-7 and one UCS-2."""
    found = {}
    for name, text in (("50 characters of GSM-7", TEXT), ("51 characters of UCS-2", CYRILLIC)):

        def count(texts: Sequence[str]) -> None:
            for text in texts:
                count_segments(text)

        found[name] = measure(count, [text] * 2000)
    return found


async def measure_switch(directory: Path, plan: Plan, numbers: Sequence[str]) -> dict[str, float]:
    """Load and check a new deck in a thread while prices go on; return the longest pause between two of them."""
    pauses: list[float] = []
    running = True

    async def price_on() -> None:
        last = time.perf_counter()
        position = 0
        while running:
            plan.price_sms(numbers[position % len(numbers)], 1, NOON_MS, None, None)
            position += 1
            await asyncio.sleep(0)
            now = time.perf_counter()
            pauses.append(now - last)
            last = now

    pricing = asyncio.create_task(price_on())
    await asyncio.sleep(0.1)
    pauses.clear()
    start = time.perf_counter()
    catalog: Catalog = await asyncio.to_thread(load_catalog, directory)
    loaded = time.perf_counter()
    await asyncio.to_thread(check_rates, directory)
    checked = time.perf_counter()
    plan = catalog.plans["test"]
    price = plan.price_sms(numbers[0], 1, NOON_MS, None, None)
    assert isinstance(price, Price)
    await asyncio.sleep(0.05)
    running = False
    await pricing
    return {
        "load a new deck, seconds": round(loaded - start, 2),
        "check it, seconds": round(checked - loaded, 2),
        "longest pause meanwhile, ms": round(max(pauses) * 1000, 1),
        "99.9 % of pauses below, ms": round(statistics.quantiles(pauses, n=1000)[-1] * 1000, 1),
    }


def run() -> dict[str, float]:
    """Run everything once."""
    with tempfile.TemporaryDirectory() as name:
        old, new = write_deck(Path(name) / "old"), write_deck(Path(name) / "new", price="0.0124")
        plan = load_catalog(old).plans["test"]
        numbers = make_numbers(plan.book.rows)
        gc.collect()
        figures = measure_matching(plan, numbers) | measure_counting()
        return figures | asyncio.run(measure_switch(new, plan, numbers))


if __name__ == "__main__":
    found = run()
    if "--json" in sys.argv:
        print(json.dumps(found))
    else:
        for what, figure in found.items():
            print(f"{what:42} {figure:10.2f}")
