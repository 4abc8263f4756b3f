"""Volume tiers and included quantities in the ledger's call: each event costs what `apply_counters` says, in turn.

The expectation keeps the counters itself, in plain Python; prices come from the plan, amounts from the real Lua.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from redis.asyncio import Redis

from metering.rating import Plan, Price, PriceRequest, load_catalog
from metering.rating.counters import apply_counters
from metering.rating.estimate import EstimateRequest, estimate
from tests.rating.decks import sms, voice, write_rates
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import NOW_MS, command, usage_event

PLAN = """
included:
  - { counter: free-texts, scope: { channel: sms }, quantity: 5, window: cycle }
tiers:
  - counter: texts
    scope: { channel: sms }
    mode: graduated
    window: month
    steps: [{ up_to: 4, price: "0.10" }, { up_to: 9, percent: 50 }, { price: "0.01" }]
  - counter: minutes
    scope: { channel: voice }
    mode: volume
    steps: [{ up_to: 120, percent: 100 }, { percent: 50 }]
"""
NUMBERS = ("+34600000001", "+34600000002", "+34600000003")


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts at 0.0999 charged when sent, calls at 0.06 a minute by the second, both counted."""
    rows = [
        sms("34", "0.0999", charge_on="sent", minimum="0.02"),
        voice("34", "0.06", first=1, next=1, connect_fee="0.005"),
    ]
    return write_rates(tmp_path_factory.mktemp("rates"), rows, more=PLAN)


async def open_bucket(redis: Redis, rates: Path) -> MeteredBucket:
    """A bucket whose customer is on the plan with counters and has much credit."""
    await redis.flushall()
    bucket = MeteredBucket(redis, rates)
    await bucket.open()
    await bucket.commands(
        command("open_customer", "open", plan="test"),
        command("top_up", "credit", amount_micros=10**12, unit="USD"),
    )
    return bucket


@dataclass
class Expectation:
    """What is used of each counter, and what each charge counted."""

    plan: Plan
    used: dict[str, int] = field(default_factory=dict)
    took: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)

    def submit(self, charge: str, to: tuple[str, ...], segments: int) -> list[int]:
        """What each recipient costs, one after the other."""
        prices = []
        for number in to:
            priced = self.plan.price(PriceRequest(channel="sms", to=(number,), at_ms=NOW_MS, segments=segments))
            assert isinstance(priced, Price)
            (line,) = priced.lines
            assert line.terms is not None
            (amount,), after = apply_counters(line.terms, self.used)
            self.took[charge, number] = {name: units - self.used.get(name, 0) for name, units in after.items()}
            self.used = after
            prices.append(amount)
        return prices

    def fail(self, charge: str, to: str) -> None:
        """The units of a message that did not go out are free again; of one that did, they stay."""
        for name, units in self.took.pop((charge, to), {}).items():
            self.used[name] -= units


async def told(bucket: MeteredBucket, *events: bytes) -> list[dict[str, Any]]:
    """The entries of events."""
    return [orjson.loads(made.value) for made in await bucket.events(*events)]


Step = tuple[int, int, str]
"""Recipients, segments, and what becomes of the message: nothing yet, or an outcome of its first recipient."""
STEPS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(1, 7), st.sampled_from(["held", "sms.sent", "sms.failed", "sms.expired"])),
    min_size=1,
    max_size=14,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
async def test_every_price_is_that_of_the_units_used_before_however_chunks_are_cut(
    fresh_redis: Redis, rates: Path, steps: list[Step], sizes: list[int]
) -> None:
    bucket = await open_bucket(fresh_redis, rates)
    expected, events, prices = Expectation(load_catalog(rates).plans["test"]), [], []
    for n, (people, segments, outcome) in enumerate(steps):
        charge, to = f"c-{n}", NUMBERS[:people]
        fields: dict[str, Any] = {"to": to[0]} if people == 1 else {"to": None, "recipients": list(to)}
        events.append(usage_event(f"s-{n}", charge_id=charge, segments=segments, **fields))
        prices.append(sum(expected.submit(charge, to, segments)))
        if outcome != "held":
            events.append(usage_event(f"o-{n}", type=outcome, charge_id=charge, to=to[0], segments=None))
            if outcome != "sms.sent":
                expected.fail(charge, to[0])

    entries, first, turn = [], 0, 0
    while first < len(events):
        size = sizes[turn % len(sizes)]
        entries += await told(bucket, *events[first : first + size])
        first, turn = first + size, turn + 1

    reserved = [entry for entry in entries if entry["kind"] == "reserved"]
    assert [entry.get("held_change_micros", 0) for entry in reserved] == prices
    assert [entry["price_micros"] for entry in reserved] == prices
    counters: dict[str, int] = {}
    for entry in entries:
        counters |= {state["name"]: state["used"] for state in entry.get("states", ()) if state["kind"] == "counter"}
    assert counters == {name: units for name, units in expected.used.items() if name in counters}
    assert {name for name, units in expected.used.items() if units} <= counters.keys()


@pytest.mark.parametrize("together", [1, 8, 100])
async def test_boundary_is_exact_whatever_runs_together(fresh_redis: Redis, rates: Path, together: int) -> None:
    bucket = await open_bucket(fresh_redis, rates)
    events = [usage_event(f"e-{n}", segments=1, user=f"u-{n}") for n in range(20)]

    made: list[dict[str, Any]] = []
    for first in range(0, len(events), together):
        made += await told(bucket, *events[first : first + together])

    # Five are included; then 4 at 0.10, 5 at half of 0.0999 rounded up, the rest at the minimum of 0.02.
    assert [entry["price_micros"] for entry in made] == [0] * 5 + [100_000] * 4 + [49_950] * 5 + [20_000] * 6
    assert made[-1]["line_amounts_micros"] == [20_000]


@pytest.mark.parametrize(("sent", "people", "segments"), [(0, 1, 7), (3, 3, 2), (9, 2, 6), (20, 1, 1)])
async def test_estimate_that_knows_the_counters_is_what_is_reserved(
    fresh_redis: Redis, rates: Path, sent: int, people: int, segments: int
) -> None:
    bucket = await open_bucket(fresh_redis, rates)
    before = await told(bucket, *[usage_event(f"e-{n}", segments=1, user=f"u-{n}") for n in range(sent)])
    used = {state["name"]: state["used"] for entry in before for state in entry["states"]}
    asked = EstimateRequest(
        channel="sms", plan="test", to=NUMBERS[:people], segments=segments, used=used, at="2026-01-01T00:00:00Z"
    )

    fields: dict[str, Any] = {"to": None, "recipients": list(NUMBERS[:people])}
    (entry,) = await told(bucket, usage_event("one", charge_id="one", segments=segments, **fields))

    assert estimate(load_catalog(rates), asked, NOW_MS).amount_micros == entry["price_micros"]


async def test_more_segments_than_reserved_are_priced_anew(fresh_redis: Redis, rates: Path) -> None:
    bucket = await open_bucket(fresh_redis, rates)

    entries = await told(
        bucket,
        usage_event("e-1", charge_id="c-1", segments=4),
        usage_event("e-2", type="sms.sent", charge_id="c-1", segments=7),
        usage_event("e-3", charge_id="c-2", segments=3),
    )

    assert [entry["kind"] for entry in entries] == ["reserved", "committed", "reserved"]
    # Seven: five included and two at 0.10; then two more at 0.10 and one at half of 0.0999.
    assert entries[1]["amount_micros"] == -200_000
    assert entries[2]["price_micros"] == 249_950


async def test_units_of_a_late_charge_count_again(fresh_redis: Redis, rates: Path) -> None:
    bucket = await open_bucket(fresh_redis, rates)

    entries = await told(
        bucket,
        usage_event("e-1", charge_id="c-1", segments=6),
        usage_event("e-2", type="sms.failed", charge_id="c-1", segments=None),
        usage_event("e-3", type="sms.sent", charge_id="c-1", segments=None),
        usage_event("e-4", charge_id="c-2", segments=1),
    )

    assert [entry["kind"] for entry in entries] == ["reserved", "released", "debited", "reserved"]
    assert entries[2]["amount_micros"] == -100_000
    assert entries[3]["price_micros"] == 100_000


async def test_call_is_settled_by_the_seconds_used_of_its_window(fresh_redis: Redis, rates: Path) -> None:
    bucket = await open_bucket(fresh_redis, rates)

    entries = await told(
        bucket,
        usage_event("e-1", type="voice.started", charge_id="c-1", segments=None, seconds=100),
        usage_event("e-2", type="voice.ended", charge_id="c-1", segments=None, seconds=110),
        usage_event("e-3", type="voice.started", charge_id="c-2", segments=None, seconds=20),
        usage_event("e-4", type="voice.ended", charge_id="c-2", segments=None, seconds=20),
    )

    # 110 s at 0.06 a minute and the fee; the next 20 s end in the half price of all its seconds.
    assert entries[1]["amount_micros"] == -115_000
    assert entries[3]["amount_micros"] == -15_000


async def test_window_that_is_over_begins_anew(fresh_redis: Redis, rates: Path) -> None:
    bucket = await open_bucket(fresh_redis, rates)
    await told(bucket, usage_event("e-1", segments=7))
    month_later = NOW_MS + 32 * 86_400_000

    bucket.now_ms = month_later
    *_, entry = await told(bucket, usage_event("e-2", segments=1, at_ms=month_later))

    assert entry["price_micros"] == 0
