"""What compiled steps tell of an answer is what its entries tell, made one by one: bytes, counts, order."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from metering import native
from metering.contracts.entries import CommandReference, EventReference, InputReference, Position
from metering.ledger.carried import Carried
from metering.ledger.chunk import Chunk
from metering.ledger.codes import KINDS, REASONS, KindCode, Moment, State
from metering.ledger.gathering import UNKNOWN
from metering.ledger.identity import event_digest
from metering.ledger.inputs import ChunkBuilder
from metering.ledger.made import make_entries
from metering.ledger.results import decode_results
from metering.ledger.rows import CHARGE_ON_AT
from metering.worker.compiled_inputs import plain_terms
from metering.worker.telling import Told, tell_results
from tests.native.paths import needs_compiled
from tests.native.test_adding import customer, fields, taken
from tests.worker.records import NOW_MS, usage_event
from tests.worker.test_telling import NAMES, columns, look, packed

pytestmark = needs_compiled

WHO = customer()
ABOUT = ("c2", "c1")


def chunk_of(inputs: list[tuple[dict[str, Any] | None, int]]) -> tuple[Chunk, int]:
    """A chunk of events at their clocks, of which None is a command's, and how many compiled steps have added."""
    with native.forced(is_on=True):
        builder = ChunkBuilder(Position(7, 3))
    assert builder.compiled is not None
    count = 0
    for offset, (about, clock_ms) in enumerate(inputs, 7):
        event = None if about is None else taken(usage_event(f"e-{offset}", **about), offset, clock_ms)
        if event is not None and builder.compiled.add(plain_terms(), [event], 0, {event.customer: WHO}, 3, b'"v"'):
            count += 1
            continue
        of_event = EventReference("/gateway", f"e-{offset}", "sms.submitted", NOW_MS) if about is not None else None
        of_command = CommandReference("c-1", "top_up") if about is None else None
        where = InputReference("commands", 3, offset)
        carried = Carried(Position(7, 9), clock_ms, where, "acme", "USD", None, "m", of_event, of_command)
        digest = event_digest("/gateway", f"e-{offset}") if of_event else ""
        builder.refuse(clock_ms, carried, UNKNOWN, digest, reason=1, asked=False)
    return builder.finish(Position(99, 99)), count


def check_told(chunk: Chunk, answer: bytes) -> Told:
    """Hold what is told to what the entries tell one by one, and to what they tell when they are read again."""
    told = tell_results(3, 41, *ABOUT, answer, chunk)

    results, carried = decode_results(answer), chunk.carried
    one_by_one = Told.of(make_entries(3, 41, *ABOUT, results, carried, chunk.carried_json, chunk.digests))
    assert look(one_by_one) == look(told)
    again = Told.of(make_entries(3, 41, *ABOUT, results, carried))
    assert (again.values, again.decisions) == (told.values, told.decisions)
    return told


inputs = st.lists(
    st.tuples(st.none() | fields, st.integers(NOW_MS, NOW_MS + 2), st.none() | columns), min_size=1, max_size=6
)


@settings(max_examples=400)
@given(inputs)
def test_random_answer_is_told_as_entry_by_entry(several: list[tuple[Any, int, Any]]) -> None:
    chunk, _ = chunk_of([(about, clock_ms) for about, clock_ms, _ in several])

    check_told(chunk, packed([row for _, _, row in several]))


usual_states = [state.value + CHARGE_ON_AT * moment.value for state in State for moment in (Moment.SUBMIT, Moment.SENT)]
micros = st.integers(-(2**49), 2**49)
usual_columns = st.tuples(
    st.sampled_from([code for code in KINDS if code != KindCode.DUPLICATE]),
    st.just(0),
    st.integers(0, 2),
    st.sampled_from([0, *usual_states]),
    st.integers(1, 4),
    *([st.integers(0, 4)] * 2),
    *([micros] * 2),
    st.integers(0, 2**40),
    *([micros] * 4),
    *([st.integers(0, 2**42)] * 2),
)
usual_fields = fields.map(
    lambda about: {
        name: value
        for name, value in (about | {"to": "+34600000001", "segments": 1, "type": "sms.submitted"}).items()
        if name not in ("reply_to", "sender_type", "mcc_mnc", "text") and value != "ñ"
    }
)


@settings(max_examples=200)
@given(st.lists(st.tuples(usual_fields, usual_columns), min_size=1, max_size=6))
def test_usual_answer_is_told_by_compiled_steps_alone(several: list[tuple[Any, Any]]) -> None:
    chunk, count = chunk_of([(about, NOW_MS) for about, _ in several])
    assert count == len(several)
    answer = packed([row for _, row in several])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("metering.worker.telling.make_entry", None)
        told = tell_results(3, 41, *ABOUT, answer, chunk)

    assert look(told) == look(check_told(chunk, answer))


LEFT: list[dict[str, int]] = [
    {"kind": KindCode.DUPLICATE.value},
    {"amount": 2**51},
    {"available": -(2**51)},
    {"wallet_at": 1, "sender_at": 2},
]
NAMES_TO_ESCAPE = b'main\0a"b\0c\\d'


@pytest.mark.parametrize("changed", LEFT, ids=str)
def test_entry_that_is_not_plain_is_told_the_general_way(changed: dict[str, int]) -> None:
    chunk, _ = chunk_of([({}, NOW_MS)] * 2)
    names = "kind reason decision state wallet_at lot_at sender_at available held seq amount remaining lot_held change"
    row = dict(
        zip([*names.split(), "fee", "deadline"], [13, 0, 1, 0, 1, 0, 0, 9, 0, 1, -5, 4, 0, 0, 0, 0], strict=True)
    )
    assert row["kind"] in KINDS
    answer = packed([tuple((row | changed).values()), tuple(row.values())])
    if "sender_at" in changed:
        old = "\0".join(NAMES).encode()
        answer = answer.replace(old, NAMES_TO_ESCAPE.ljust(len(old), b"x"))

    assert len(check_told(chunk, answer).values) == 2


def test_nothing_answered_is_nothing_told() -> None:
    told = tell_results(3, 41, *ABOUT, packed([]), chunk_of([])[0])

    assert (told.values, told.seq, told.chunk) == ([], 0, "")


def test_every_reason_has_a_word() -> None:
    for code in REASONS:
        chunk, _ = chunk_of([({}, NOW_MS)])
        check_told(chunk, packed([(13, code, 2, 0, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0)]))


def test_chunks_are_freed_without_the_garbage_collector() -> None:
    """It is set aside in a worker: what holds itself would be there until memory is full."""
    answer = packed([(13, 0, 1, 0, 1, 2, 0, 9, 0, 1, -5, 4, 0, 0, 0, 0)] * 3)
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            chunk, _ = chunk_of([({"sender": "s"}, NOW_MS)] * 3)
            tell_results(3, 41, *ABOUT, answer, chunk)
            del chunk
        assert gc.collect() == 0
    finally:
        gc.enable()
