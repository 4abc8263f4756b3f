"""Puts the page together: the month, what is left, and that it adds up."""

from __future__ import annotations

from collections import Counter

from redis.asyncio import Redis

from metering.contracts.entries import LedgerEntry
from metering.errors import ensure
from metering.ledger.live import balance_of
from metering.rating.catalog import shipped_rates
from scripts.worked_example.bucket import Bucket
from scripts.worked_example.page import Page, amount, lots_table
from scripts.worked_example.story import tell

INTRODUCTION = """One customer, one month, every number. Each section is something that was sent to metering, and the
ledger entries that came of it; amounts are credits, times those of New York. `amount` is the change of the balance,
`held` that of what is reserved, `available` what can be spent afterwards. A lot is named after the entry that made it.
The rules are in [ledger-rules.md](ledger-rules.md), how prices come about in [rating.md](rating.md).

Made by `python -m scripts.worked_example`, with the real rating and the real ledger; a test compares."""


async def worked_example(redis: Redis) -> str:
    """Return the page. `redis` is emptied for it."""
    bucket = Bucket(redis, shipped_rates())
    await bucket.open()
    page = Page("A worked example", INTRODUCTION)
    await tell(bucket, page)
    wallets = await bucket.reader.wallets("acme")
    page.chapter("What is left", lots_table(wallets))
    balance = sum(balance_of(w).available_micros + balance_of(w).held_micros for w in wallets)
    page.chapter("It adds up", _sums(page.entries, balance))
    return page.text()


def _sums(entries: list[LedgerEntry], balance: int) -> list[str]:
    sums: Counter[str] = Counter()
    for entry in entries:
        if entry.amount_micros:
            sums[entry.kind.value] += entry.amount_micros
        for leg in entry.legs:
            sums[entry.kind.value] += leg.amount_micros
    total = sum(sums.values())
    ensure(total == balance, f"the entries sum to {total}, the wallets hold {balance}")
    lines = ["| kind of entry | credits |", "| --- | ---: |"]
    lines += [f"| {kind} | {amount(micros, signed=True)} |" for kind, micros in sums.items()]
    lines += [f"| **all entries** | **{amount(total)}** |", f"| **in the wallets** | **{amount(balance)}** |"]
    return lines
