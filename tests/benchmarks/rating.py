"""How long pricing takes with a deck of 50,000 rows, beside other ways of finding a prefix, in one run.

Leaves judging the figures to docs/rating.md. Run: `python -m tests.benchmarks.rating [--json]`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import phonenumbers
import pygtrie
from phonenumbers import carrierdata, geodata

from metering.contracts.rates import RatesManifest
from metering.rating import Catalog, Plan, count_segments, load_catalog, pack_files
from metering.rating.check import check_rates, check_tree
from metering.rating.rows import Row
from metering.rating.tree import DirectoryTree
from metering.worker.rates import load_parts
from tests.rating.decks import NOON_MS, sms, write_rates

ROWS = 50_000
NUMBERS = 2_000
SEED = 50_000
TEXT = "Your code is 123456. Do not give it to anyone! Bye"
CYRILLIC = "Ваш код 123456. Никому его не сообщайте! До встречи"
REPEATS = 100
TURNS = 5


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


class Way(NamedTuple):
    """Something to be done with each number, so many times over."""

    run: Callable[[str], object]
    numbers: Sequence[str]
    repeats: int = REPEATS


def measure(ways: Mapping[str, Way]) -> dict[str, float]:
    """Return the microseconds of one number in each way: processor time, and the best of several rounds.

    What else runs on the machine takes caches and turns away from every round, but not equally from each. So the ways
    take turns: none has the quiet moments for itself.
    """
    best = dict.fromkeys(ways, math.inf)
    for turn in range(TURNS):
        for name, way in ways.items():
            for _ in range(way.repeats * turn // TURNS, way.repeats * (turn + 1) // TURNS):
                start = time.process_time_ns()
                for number in way.numbers:
                    way.run(number)
                best[name] = min(best[name], (time.process_time_ns() - start) / len(way.numbers) / 1000)
    return {name: round(micros, 2) for name, micros in best.items()}


def measure_matching(plan: Plan, numbers: Sequence[str]) -> dict[str, float]:
    """Time each way of finding a number's row (or, for phonenumbers, its country), and the whole price."""
    rows = plan.book.rows
    table = plan.book.index("rate", "sms", "outbound").table(None)
    trie = pygtrie.CharTrie({row.prefix: row for row in rows})
    by_prefix = {row.prefix: row for row in rows}
    price_sms = plan.price_sms
    return measure(
        {
            "price of one text (row, amount, lines)": Way(
                lambda number: price_sms(number, 1, NOON_MS, None, None), numbers
            ),
            "row only": Way(lambda number: table.find(number, NOON_MS), numbers),
            "dict, every length": Way(lambda number: shorten(by_prefix, number), numbers),
            "pygtrie": Way(trie.longest_prefix, numbers, TURNS),
            "phonenumbers (country only)": Way(find_country, numbers[:500], TURNS),
            "linear scan": Way(lambda number: scan(rows, number), numbers[:20], 2),
        }
    )


def shorten(by_prefix: Mapping[str, Row], number: str) -> Row | None:
    """Try every prefix of the number, longest first."""
    for length in range(len(number), 0, -1):
        row = by_prefix.get(number[:length])
        if row is not None:
            return row
    return None


def scan(rows: Sequence[Row], number: str) -> Row | None:
    """Look at every row."""
    best = None
    for row in rows:
        if number.startswith(row.prefix) and (best is None or len(row.prefix) > len(best.prefix)):
            best = row
    return best


def find_country(number: str) -> str | None:
    """Have phonenumbers tell the country."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(number))


def measure_counting() -> dict[str, float]:
    """Time counting texts of 50 characters, one GSM-7 and one UCS-2."""
    texts = {"50 characters of GSM-7": TEXT, "51 characters of UCS-2": CYRILLIC}
    return measure({name: Way(count_segments, [text] * 2000) for name, text in texts.items()})


async def measure_switch(directory: Path, plan: Plan, numbers: Sequence[str]) -> dict[str, float]:
    """Load a published deck as a worker does while prices go on, check its files as well, and switch to it.

    A pause is the processor time that this process spends between two prices, so that it shows what loading keeps
    from the stream and not what else runs on the machine.
    """
    checked_files = check_tree(DirectoryTree(directory))
    packed = pack_files(checked_files.files)
    manifest = RatesManifest(
        version=checked_files.version,
        active_from_ms=NOON_MS,
        digest=packed.digest,
        parts=len(packed.parts),
        packed_bytes=packed.packed_bytes,
        files_bytes=packed.files_bytes,
    )
    del checked_files
    gc.collect()
    pauses: Counter[int] = Counter()  # by tenths of a millisecond: a list of all would be a pause of its own
    current = plan
    running = True

    async def price_on() -> None:
        last = time.process_time()
        position = 0
        while running:
            current.price_sms(numbers[position % len(numbers)], 1, NOON_MS, None, None)
            position += 1
            await asyncio.sleep(0)
            now = time.process_time()
            pauses[int((now - last) * 10_000)] += 1
            last = now

    pricing = asyncio.create_task(price_on())
    started = time.process_time()
    catalog: Catalog = await asyncio.to_thread(load_parts, list(packed.parts), manifest)
    loaded = time.process_time()
    await asyncio.to_thread(check_rates, directory)
    checked = time.process_time()
    current = catalog.plans["test"]
    await asyncio.sleep(0.05)
    running = False
    await pricing
    return {
        "load a published deck beside the stream, seconds": round(loaded - started, 2),
        "check it beside the stream, seconds": round(checked - loaded, 2),
        "longest pause of the stream, ms": (max(pauses) + 1) / 10,
        "pauses over 10 ms": sum(count for tenths, count in pauses.items() if tenths >= 100),
    }


def run() -> dict[str, float]:
    """Run everything once."""
    with tempfile.TemporaryDirectory() as name:
        old, new = write_deck(Path(name) / "old"), write_deck(Path(name) / "new", price="0.0124")
        plan = load_catalog(old).plans["test"]
        plan.compile()
        numbers = make_numbers(plan.book.rows)
        gc.collect()
        figures = measure_matching(plan, numbers) | measure_counting()
        gc.collect()  # the trie and what else has been measured is not the worker's garbage
        return figures | asyncio.run(measure_switch(new, plan, numbers))


if __name__ == "__main__":
    found = run()
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.writelines(f"{what:45} {figure:10.2f}\n" for what, figure in found.items())
