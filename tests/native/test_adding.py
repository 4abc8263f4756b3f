"""Events that compiled steps add to a chunk make the chunk that the general way makes, byte by byte."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from msgspec.structs import asdict
from redis.asyncio import Redis

from metering import native
from metering.contracts.commands import Tick
from metering.contracts.entries import CustomerSettings, InputReference, Position
from metering.ledger.carried import encode_carried
from metering.ledger.chunk import Chunk
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.live import BucketReader
from metering.ledger.rows import InputRow, pack_inputs
from metering.rating import load_catalog
from metering.worker.chunking import Taken, TakenChunk, build_chunk
from metering.worker.compiled_inputs import make_reader, plain_terms
from metering.worker.customers import Customer, CustomerCache, policy_of
from metering.worker.decoding import UsageInput, decode_usage
from metering.worker.event_inputs import add_event
from metering.worker.plain_inputs import add_plain
from tests.end_to_end.system import RATES
from tests.native.paths import needs_compiled
from tests.native.usual_events import usual_names
from tests.worker.records import DAY_MS, NOW_MS, record, usage_event
from tests.worker.test_plain_inputs import PLAIN, UNUSUAL

pytestmark = needs_compiled

CATALOG = load_catalog(RATES)
VERSION = 'rates-"1"'


def customer(plan: str = "payg-usd", **fields: Any) -> Customer:
    """A customer of a plan, known to the ledger."""
    known = CustomerSettings(3, plan, CATALOG.plans[plan].unit, **fields)
    return Customer(known, policy_of(known, CATALOG.plans[plan]), CATALOG.plans[plan])


CUSTOMERS = [
    *(customer(plan) for plan in sorted(CATALOG.plans)),
    customer(limits=4),
    customer(country="ES"),
    Customer(None, customer().policy, None),
]


def taken(value: bytes, offset: int, clock_ms: int, at_ms: int = NOW_MS) -> Any:
    """The event as compiled steps take it from its topic; None where they leave it."""
    with native.forced(is_on=True):
        reader = make_reader(0, 1, DAY_MS)
    assert reader is not None
    inputs: list[Any] = []
    records = deque([record(value, offset, timestamp=at_ms)])
    reader.take(records, inputs, 1, 3, clock_ms, 0, 2**62, 2**62, 2**62)
    return inputs[0] if inputs else None


def seen(chunk: Chunk) -> dict[str, Any]:
    """All of a chunk that goes to Lua or comes back to the worker."""
    fields = asdict(chunk) | {"carried": [encode_carried(one) for one in chunk.carried]}
    del fields["compiled"]
    return fields


def added(values: list[tuple[bytes, Customer, int]], *, is_on: bool, at_ms: int = NOW_MS) -> tuple[Chunk, int]:
    """The chunk of some events, each with its customer and clock, and how many compiled steps have added."""
    with native.forced(is_on=is_on):
        builder = ChunkBuilder(Position(7, 3))
    count = 0
    for offset, (value, of, clock_ms) in enumerate(values, 7):
        event = taken(value, offset, clock_ms, at_ms) if is_on else None
        if event is not None and builder.compiled is not None:
            encoded = msgspec.json.encode(VERSION)
            if builder.compiled.add(plain_terms(), [event], 0, {event.customer: of}, 5, encoded):
                count += 1
                continue
        usage = decode_usage(value, at_ms, DAY_MS)
        if isinstance(usage, UsageInput):
            about = (usage, of, InputReference("usage", 5, offset), Position(offset + 1, 3), clock_ms, VERSION)
            if not is_on or not add_plain(builder, *about):
                add_event(builder, *about)
    return builder.finish(Position(7 + len(values), 3)), count


fields = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["sms.submitted", "sms.submitted", "sms.sent", "sms.delivered", "sms.failed"]),
        "customer": st.sampled_from(["acme", "acne"]),
        "to": st.sampled_from(["+34600000001", "+12025550101", "+447700900001", "+79001112233", "601", None, "+1"]),
    },
    optional={
        "segments": st.none() | st.integers(0, 300),
        "text": st.text(max_size=20) | st.sampled_from(["Hello", "ñandú", "x" * 161]),
        "charge_id": usual_names,
        "sender": usual_names | st.just("ñ"),
        "user": usual_names,
        "campaign": usual_names,
        "on_behalf_of": usual_names,
        "reply_to": usual_names,
        "sender_type": st.sampled_from(["long_code", "short_code", "toll_free", "alphanumeric"]),
        "mcc_mnc": st.sampled_from(["21401", "310004"]),
        "scheduled": st.booleans(),
        "characters": st.integers(0, 900),
        "encoding": st.just("gsm7"),
    },
)
events = st.tuples(
    st.builds(lambda number, of: usage_event(f"e-{number}", **of), st.integers(0, 3), fields),
    st.sampled_from(CUSTOMERS),
)


@settings(max_examples=600)
@given(st.lists(events, max_size=6), st.integers(0, 2**41))
def test_chunk_is_the_one_that_the_general_way_makes(several: list[tuple[bytes, Customer]], pause_ms: int) -> None:
    values = [(value, of, NOW_MS + number * pause_ms) for number, (value, of) in enumerate(several)]

    assert seen(added(values, is_on=True)[0]) == seen(added(values, is_on=False)[0])


def built(values: list[bytes | None], known: list[Customer], *, is_on: bool) -> Chunk:
    """The chunk of some events, of which None is a tick, about the two customers that are known."""
    customers = CustomerCache(BucketReader(Redis(), 5), CATALOG)
    customers._known |= zip(("acme", "acne"), known, strict=True)
    inputs: list[Any] = []
    for offset, value in enumerate(values, 7):
        after = Position(offset + 1, 3)
        if value is None:
            inputs.append(Taken("commands", offset, NOW_MS, after, Tick(NOW_MS), ""))
        elif is_on and (event := taken(value, offset, NOW_MS)) is not None:
            inputs.append(event)
        elif isinstance(usage := decode_usage(value, NOW_MS, DAY_MS), UsageInput):
            inputs.append(Taken("usage", offset, NOW_MS, after, usage, usage.event.data.customer))
    with native.forced(is_on=is_on):
        return build_chunk(TakenChunk(Position(7, 3), Position(7 + len(values), 3), inputs, []), 5, customers, CATALOG)


@settings(max_examples=600)
@given(
    st.lists(st.none() | events.map(lambda one: one[0]), max_size=12),
    st.lists(st.sampled_from(CUSTOMERS), min_size=2, max_size=2),
)
def test_chunk_of_plain_and_other_inputs_is_the_one_that_the_general_way_makes(
    values: list[bytes | None], known: list[Customer]
) -> None:
    assert seen(built(values, known, is_on=True)) == seen(built(values, known, is_on=False))


@pytest.mark.parametrize("of", PLAIN, ids=str)
def test_common_event_is_added_by_compiled_steps(of: dict[str, Any]) -> None:
    assert added([(usage_event(**of), customer(), NOW_MS)], is_on=True)[1] == 1


@pytest.mark.parametrize(("of", "who"), UNUSUAL, ids=[str(of) for of, _ in UNUSUAL])
def test_event_that_is_not_plain_is_left(of: dict[str, Any], who: Customer) -> None:
    assert added([(usage_event(**of), who, NOW_MS)], is_on=True)[1] == 0


NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300) | st.sampled_from([2**n for n in range(62)])


@given(st.lists(st.tuples(*[NUMBERS] * 9), max_size=20))
def test_rows_are_packed_as_they_are_all_at_once(rows: list[InputRow]) -> None:
    with native.forced(is_on=True):
        compiled = ChunkBuilder(Position(0, 0)).compiled
    assert compiled is not None
    for row in rows:
        compiled.append(row)

    assert (compiled.pack(), len(compiled)) == (pack_inputs(rows), len(rows))
    clocks = [row[5] for row in rows] or [0]
    assert (compiled.clock_first_ms, compiled.clock_last_ms) == (clocks[0], clocks[-1])


def test_row_that_does_not_fit_is_refused_and_not_added() -> None:
    with native.forced(is_on=True):
        builder = ChunkBuilder(Position(0, 0))
    assert builder.compiled is not None
    with pytest.raises(OverflowError):
        builder.compiled.append((2**63, 0, 0, 0, 0, 0, 0, 0, 0))
    assert len(builder) == 0


def test_prices_that_are_not_kept_any_more_are_not_taken_for_others() -> None:
    """Prices are known by the objects that a plan hands out: one that is gone must not lend its place to a new one."""
    for segments in range(1, 256):
        sent = [usage_event(to=f"+{prefix}", segments=segments) for prefix in ("34600000001", "12025550101")]
        values = [(value, customer(plan), NOW_MS) for value in sent for plan in sorted(CATALOG.plans)]
        assert seen(added(values, is_on=True)[0]) == seen(added(values, is_on=False)[0])
