"""Phone numbers from bytes to entries: the plan's rate row for each, by prefix and type."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio import Redis

from metering.contracts.reasons import Kind, Reason
from metering.contracts.states import FeeState, NumbersState
from tests.rating.decks import sms, write_rates
from tests.worker.metered_bucket import MeteredBucket
from tests.worker.records import DAY_MS, NOW_MS, command

RENTAL = {"surcharge": "number_rental", "channel": "number", "direction": "outbound"}
FEES = [
    {**RENTAL, "prefix": "1", "price": "5", "per": "month"},
    {**RENTAL, "prefix": "1", "price": "7.5", "per": "month", "sender_type": "toll_free"},
    {**RENTAL, "prefix": "44", "price": "0", "per": "month"},
    {**RENTAL, "prefix": "34", "price": "60", "per": "cycle"},
]


@pytest.fixture
async def bucket(fresh_redis: Redis, tmp_path: Path) -> MeteredBucket:
    """A bucket whose customer has a yearly plan that grants 600."""
    rates = write_rates(tmp_path, [sms("1", "1")], FEES, more='cycle: yearly\ngrant: { amount: "600", kind: nro }')
    bucket = MeteredBucket(fresh_redis, rates)
    await bucket.open()
    await bucket.commands(command("open_customer", "open", plan="test"))
    return bucket


@pytest.mark.requirement("PL-59")
async def test_number_costs_what_its_row_says_and_the_entry_names_the_row(bucket: MeteredBucket) -> None:
    (added,) = [
        made.effect
        for made in await bucket.commands(command("add_number", number="+18005550100", number_type="toll_free"))
        if made.effect.kind is Kind.SETTINGS_CHANGED
    ]

    fee, numbers = sorted(added.states, key=lambda state: state.id)
    assert isinstance(fee, FeeState)
    assert isinstance(numbers, NumbersState)
    assert (fee.id, fee.amount_micros, fee.months, fee.of) == ("+18005550100", 7_500_000, 1, "number")
    assert (numbers.numbers, numbers.fees_micros) == ((("+18005550100", "toll_free"),), 12 * 7_500_000)
    assert b'"charge":"number_rental"' in bucket.entries[-1].value
    assert b'"prefix":"+1"' in bucket.entries[-1].value


async def test_fees_of_all_numbers_add_up_to_what_a_cycle_of_the_plan_costs(bucket: MeteredBucket) -> None:
    for number in ("+12015550100", "+34600000001", "+441632960000"):
        await bucket.commands(command("add_number", f"add {number}", number=number))
    await bucket.commands(command("remove_number", "remove", number="+441632960000"))

    last = [state for state in bucket.entries[-1].effect.states if isinstance(state, NumbersState)]

    assert [state.fees_micros for state in last] == [(12 * 5 + 60) * 1_000_000]


async def test_number_without_a_row_or_of_no_country_is_refused(bucket: MeteredBucket) -> None:
    made = [
        *await bucket.commands(command("add_number", "c-2", number="+4915112345678")),
        *await bucket.commands(command("remove_number", "c-3", number="+4915112345678")),
    ]

    assert [one.effect.reason for one in made if one.effect.kind is Kind.REFUSED] == [
        Reason.UNRATED,
        Reason.UNKNOWN_NUMBER,
    ]


async def test_months_of_fees_fall_due_from_the_next_on(bucket: MeteredBucket) -> None:
    await bucket.commands(command("add_number", "c-2", number="+12015550100"))
    bucket.now_ms = NOW_MS + 62 * DAY_MS

    made = await bucket.commands(command("suspend", "c-3"))

    fees = [(one.effect.amount_micros, one.effect.due_at_ms) for one in made if one.effect.kind is Kind.NUMBER_FEE]
    assert fees == [(-5_000_000, NOW_MS + 31 * DAY_MS), (-5_000_000, NOW_MS + 59 * DAY_MS)]


async def test_change_of_plan_prices_the_numbers_anew(bucket: MeteredBucket) -> None:
    await bucket.commands(command("add_number", "c-2", number="+12015550100"))

    made = await bucket.commands(command("set_plan", "c-3", plan="test"))

    (fee,) = [state for state in made[-1].effect.states if isinstance(state, FeeState)]
    assert (fee.id, fee.amount_micros) == ("+12015550100", 5_000_000)
