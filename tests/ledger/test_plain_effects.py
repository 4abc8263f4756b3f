"""The quick way to an entry's JSON gives the bytes of the general one, and stands back where it cannot."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings, strategies as st

from metering.ledger.codes import KINDS, REASONS, Moment, State
from metering.ledger.effects import effect_of
from metering.ledger.plain_effects import PlainEffect, plain_effect
from metering.ledger.results import Extras, Result

encode = msgspec.json.encode
micros = st.integers(-(2**53) + 1, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)

lots = st.lists(st.tuples(texts, micros, micros, micros, micros).map(list), max_size=3)
charges = st.tuples(
    st.sampled_from([state.value for state in State]),
    texts,
    *([micros] * 3),
    st.sampled_from([Moment.SUBMIT.value, Moment.SENT.value, Moment.DELIVERED.value]),
    st.integers(0, 2**40),
    st.integers(0, 2**42),
    st.lists(st.tuples(texts, micros).map(list), max_size=3),
    texts | st.just(False),
    st.just(False),
    st.integers(0, 9),
    st.just(False),
).map(list)
results = st.builds(
    Result,
    st.integers(1, 9),
    st.sampled_from(list(KINDS)),
    st.sampled_from([0, *REASONS]),
    st.integers(0, 2),
    st.integers(0, 2**40),
    *([micros] * 8),
    lots,
    texts | st.just(False),
    charges | st.just(False),
    st.just(False),
)


@given(results, texts | st.none(), st.integers(1, 2**50))
@settings(max_examples=300)
def test_plain_effect_has_the_bytes_of_the_general_one(result: Result, charge_id: str | None, seq: int) -> None:
    plain = plain_effect(7, seq, "c2", "c1", result, charge_id)

    assert plain is not None
    assert encode(plain) == encode(effect_of(7, seq, "c2", "c1", result, charge_id))


def changed(**fields: Any) -> Result:
    """A plain result but for `fields`."""
    image = [1, "main", 5, 5, 0, 1, 0, 9, [["0-1", 5]], False, False, 0, False]
    plain = Result(1, 9, 0, 1, 1, 0, 5, 9, 0, 0, 4, 5, 0, [["0-1", 0, 5, 9, 5]], "main", image, False)
    return msgspec.structs.replace(plain, **fields)


def test_result_that_is_not_plain_is_left_to_the_general_way() -> None:
    image: list[Any] = changed().charge  # type: ignore[assignment]
    several, call, took = [*image], [*image], [*image, [["limit", 1, 5]]]
    several[10], call[12] = {"+34600000001": 5}, [1, 0, 60, 60, 0, 1, 60, 0, 1, 0, 0, 0]
    new_lot = ["0-2", 5, 0, 5, 0, "fro", 0, 1, 0]
    unusual = [changed(extras=Extras(price=5)), changed(lots=[new_lot])]
    unusual += [changed(charge=charge) for charge in (several, call, took)]

    assert [plain_effect(0, 1, "c", "", result, "m-1") for result in unusual] == [None] * len(unusual)
    assert plain_effect(0, 1, "c", "", changed(), "m-1") is not None


def test_fields_stand_in_the_order_of_the_general_effect() -> None:
    general = list(effect_of(0, 1, "c", "", changed(), "m-1").__struct_fields__)
    fields = PlainEffect.__struct_fields__

    assert list(fields) == sorted(fields, key=general.index)
