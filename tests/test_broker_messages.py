"""Messages put together and taken apart without a schema are the bytes and values of aiokafka's own."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest, FetchResponse_v11
from aiokafka.protocol.produce import ProduceRequest, ProduceResponse_v7
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    TxnOffsetCommitRequest,
)
from hypothesis import given, strategies as st

from metering.broker_messages import FORMS
from metering.errors import BrokenInvariant

int8s, int16s, int32s, int64s = (st.integers(-(2**bits), 2**bits - 1) for bits in (7, 15, 31, 63))
names = st.text(max_size=6)
records = st.binary(max_size=20)


def by_topic(partition: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[str, list[Any]]]]:
    """Topics with their partitions; none, too."""
    return st.lists(st.tuples(names, st.lists(partition, max_size=3)), max_size=3)


producers = st.tuples(names, int64s, int16s)
requests = st.one_of(
    st.builds(
        ProduceRequest,
        st.none() | names,
        int16s,
        int32s,
        by_topic(st.tuples(int32s, records | records.map(bytearray))),
    ),
    st.builds(FetchRequest, int32s, int32s, int32s, int8s, by_topic(st.tuples(int32s, int64s, int32s)), names),
    producers.flatmap(lambda of: st.builds(AddPartitionsToTxnRequest, *map(st.just, of), by_topic(int32s))),
    producers.flatmap(lambda of: st.builds(AddOffsetsToTxnRequest, *map(st.just, of), names)),
    producers.flatmap(
        lambda of: st.builds(
            TxnOffsetCommitRequest,
            st.just(of[0]),
            names,
            *map(st.just, of[1:]),
            by_topic(st.tuples(int32s, int64s, names)),
        )
    ),
    producers.flatmap(lambda of: st.builds(EndTxnRequest, *map(st.just, of), st.booleans())),
)


@given(requests)
def test_request_is_put_together_as_by_its_schema(request: Any) -> None:
    form = FORMS[type(request)]

    assert b"".join(form.encode(request)) == request.build(form.struct).encode()


errors = by_topic(st.tuples(int32s, int16s))
aborted = st.none() | st.lists(st.tuples(int64s, int64s), max_size=2)
answers = st.one_of(
    st.tuples(st.just(ProduceRequest), st.tuples(by_topic(st.tuples(int32s, int16s, int64s, int64s, int64s)), int32s)),
    st.tuples(
        st.just(FetchRequest),
        st.tuples(
            int32s,
            int16s,
            int32s,
            by_topic(st.tuples(int32s, int16s, int64s, int64s, int64s, aborted, int32s, st.none() | records)),
        ),
    ),
    st.tuples(st.sampled_from([AddPartitionsToTxnRequest, TxnOffsetCommitRequest]), st.tuples(int32s, errors)),
    st.tuples(st.sampled_from([AddOffsetsToTxnRequest, EndTxnRequest]), st.tuples(int32s, int16s)),
)


@given(answers, st.booleans())
def test_answer_is_taken_apart_as_by_its_schema(answer: tuple[Any, tuple[Any, ...]], is_large: bool) -> None:
    asked, values = answer
    form = FORMS[asked]
    made = form.struct.RESPONSE_TYPE
    frame = b"\0\0\0\7" + made(*values).encode()

    read = form.decode(bytearray(frame) if is_large else frame)

    assert type(read) is made
    assert read == made.decode(BytesIO(frame[4:]))


@pytest.mark.parametrize("cut", [1, 9, 30])
def test_answer_that_ends_before_its_records_is_an_error(cut: int) -> None:
    frame = b"\0\0\0\7" + FetchResponse_v11(0, 0, 0, [("usage", [(0, 0, 9, 9, 0, [], -1, b"x" * 30)])]).encode()

    with pytest.raises(BrokenInvariant, match="before its records"):
        FORMS[FetchRequest].decode(frame[:-cut])


def test_list_that_is_absent_is_an_error() -> None:
    with pytest.raises(BrokenInvariant, match="no list"):
        FORMS[ProduceRequest].decode(b"\0\0\0\7" + ProduceResponse_v7(None, 0).encode())
