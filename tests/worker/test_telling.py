"""The one pass from Lua's answer to records and counts gives what the entries give when they are made one by one."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
from hypothesis import given, settings, strategies as st

from metering.contracts.entries import CommandReference, EventReference, InputReference, Position
from metering.ledger.carried import Carried, encode_carried
from metering.ledger.chunk import Chunk
from metering.ledger.codes import KINDS, REASONS, Moment, State
from metering.ledger.identity import event_digest
from metering.ledger.made import make_entries
from metering.ledger.results import Result, decode_results
from metering.ledger.rows import CHARGE_ON_AT, RESULT_ROW
from metering.observe.metrics import WorkerMetrics
from metering.worker.telling import Told, tell_results
from tests.worker.records import NOW_MS

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
maybe = st.none() | texts
micros = st.integers(-(10**14) - 1, 10**14 + 1)
MOMENTS = (Moment.SUBMIT.value, Moment.SENT.value, Moment.DELIVERED.value)
NAMES = ["main", "0-1", "+34910000001", "marketing"]

references = st.builds(EventReference, texts, texts, st.sampled_from(["sms.submitted", "sms.sent"]), st.just(NOW_MS))
carried = st.builds(
    Carried,
    position=st.just(Position(8, 3)),
    applied_at_ms=st.integers(NOW_MS, NOW_MS + 2),
    input=st.just(InputReference("usage", 0, 7)),
    customer=texts,
    unit=st.sampled_from([None, "USD", "EUR"]),
    price_micros=st.none() | micros,
    charge_id=maybe,
    event=references,
    channel=st.sampled_from([None, "sms"]),
    country=st.sampled_from([None, "ES"]),
    reply_to=st.none() | st.just("me"),
)
commands = st.builds(
    Carried,
    position=st.just(Position(8, 3)),
    applied_at_ms=st.just(NOW_MS),
    input=st.just(InputReference("commands", 0, 2)),
    customer=texts,
    unit=st.just("USD"),
    command=st.just(CommandReference("c-1", "top_up")),
)
columns = st.tuples(
    st.sampled_from(list(KINDS)),
    st.sampled_from([0, 0, *REASONS]),
    st.integers(0, 2),
    st.sampled_from([0, *(state.value + CHARGE_ON_AT * moment for state in State for moment in MOMENTS)]),
    st.integers(1, len(NAMES)),
    *([st.integers(0, len(NAMES))] * 2),
    *([micros] * 2),
    st.integers(0, 2**40),
    *([micros] * 4),
    *([st.integers(0, 2**42)] * 2),
)


def packed(rows: list[tuple[Any, ...] | None]) -> bytes:
    """An answer as Lua packs it, of each input one entry; None stands for one in a list."""
    listed = [
        Result(number, 9, 0, 0, 1, 5, 0, 0, 0, 0, 5, 0, 0, [], "main", False, False)
        for number, row in enumerate(rows, 1)
        if row is None
    ]
    marks = b"".join(b"l" if row is None else b"r" for row in rows)
    figures = b"".join(RESULT_ROW.pack(number, *row) for number, row in enumerate(rows, 1) if row is not None)
    names = "\0".join(NAMES).encode()
    head = struct.pack("<III", len(rows), 0, len(names))
    return head + marks + figures + names + msgspec.msgpack.encode((listed, []))


def chunk_of(inputs: list[Carried]) -> Chunk:
    """As much of a chunk as its entries are made of."""
    digests = [event_digest(one.event.source, one.event.id) if one.event else "" for one in inputs]
    return Chunk(
        start=Position(0, 0),
        end=Position(9, 9),
        clock_first_ms=NOW_MS,
        clock_last_ms=NOW_MS,
        inputs=b"",
        more=[],
        carried=inputs,
        carried_json=[encode_carried(one) for one in inputs],
        digests=digests,
        customers=[],
        policies=[],
        wallet_keys=[],
        wallet_names=[],
        charge_keys=[],
        sender_keys=[],
        state_keys=[],
        zones={},
    )


def look(told: Told) -> dict[str, Any]:
    """All that there is to see of it."""
    metrics = WorkerMetrics()
    told.counts.count(metrics)
    counted = [
        sample
        for family in (metrics.events, metrics.amounts, metrics.commands, metrics.destinations_refused)
        for metric in family.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    ]
    seen = {name: getattr(told, name) for name in Told.__slots__ if name != "counts"}
    return seen | {"counted": sorted((sample.name, sorted(sample.labels.items()), sample.value) for sample in counted)}


Inputs = list[tuple[Carried, tuple[Any, ...] | None]]


@given(st.lists(st.tuples(carried | commands, st.none() | columns), min_size=1, max_size=6))
@settings(max_examples=300)
def test_answer_told_in_one_pass_is_as_told_entry_by_entry(
    inputs: list[tuple[Carried, tuple[Any, ...] | None]],
) -> None:
    answer, chunk = packed([row for _, row in inputs]), chunk_of([about for about, _ in inputs])

    told = tell_results(3, 41, "c2", "c1", answer, chunk)

    known = (chunk.carried, chunk.carried_json, chunk.digests)
    entries = list(make_entries(3, 41, "c2", "c1", decode_results(answer), *known))
    assert look(Told.of(entries)) == look(told)


def test_nothing_answered_is_nothing_told() -> None:
    told = tell_results(0, 1, "c2", "c1", packed([]), chunk_of([]))

    assert (told.values, told.seq, told.chunk) == ([], 0, "")
    assert told.publication(Position(5, 1)).values == []
