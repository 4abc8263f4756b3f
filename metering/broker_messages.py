"""Puts together and takes apart the requests that a worker sends the most of, and their answers, without a schema.

aiokafka describes each message by a schema and goes through that field by field, in Python: a fetch of 16 partitions is
150 fields in its request and 130 in its answer. What is here are the same bytes. Leaves sending to
`broker_connection`, and all other messages, and other versions of these, to aiokafka.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Any, NamedTuple

from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11, FetchResponse_v11
from aiokafka.protocol.produce import ProduceRequest, ProduceRequest_v7, ProduceResponse_v7
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddOffsetsToTxnRequest_v0,
    AddOffsetsToTxnResponse_v0,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnRequest_v0,
    AddPartitionsToTxnResponse_v0,
    EndTxnRequest,
    EndTxnRequest_v0,
    EndTxnResponse_v0,
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequest_v0,
    TxnOffsetCommitResponse_v0,
)

from metering.errors import ensure

Buffer = bytes | bytearray
Decode = Callable[[Buffer], Any]

_INT16, _INT32 = Struct(">h"), Struct(">i")
_PAIR = Struct(">ii")
_PRODUCER = Struct(">qh")
_COMMITTED = Struct(">iq")
_ACKNOWLEDGE = Struct(">hii")
_PRODUCED = Struct(">ihqqq")
_FETCH = Struct(">iiiibiii")
_FETCH_PARTITION = Struct(">iiqqi")
_FETCHED = Struct(">ihi")
_FETCHED_PARTITION = Struct(">ihqqq")
_ABORTED = Struct(">qq")
_PARTITION_ERROR = Struct(">ih")
_AFTER_HEADER = 4
"""An answer begins with its number, which is looked at by the connection."""


class Form(NamedTuple):
    """How one kind of request is put together, and its answer taken apart."""

    struct: Any
    """aiokafka's own of the same version: what is encoded must be its bytes."""
    encode: Callable[[Any], list[Buffer]]
    decode: Decode


@lru_cache(maxsize=4_096)  # names of topics, groups and transactions: as many as a worker has, and some
def text_bytes(text: str | None) -> bytes:
    """Return a text behind its length."""
    if text is None:
        return _INT16.pack(-1)
    encoded = text.encode()
    return _INT16.pack(len(encoded)) + encoded


def _encode_produce(request: Any) -> list[Buffer]:
    """Return the request in parts, of which the batches are those of the request itself: nobody changes them."""
    topics = request._topics  # noqa: SLF001  here and below: aiokafka's requests have no other way to what is in them
    parts: list[Buffer] = []
    before = [
        text_bytes(request._transactional_id),  # noqa: SLF001
        _ACKNOWLEDGE.pack(request._required_acks, request._timeout, len(topics)),  # noqa: SLF001
    ]
    for topic, partitions in topics:
        before += (text_bytes(topic), _INT32.pack(len(partitions)))
        for partition, records in partitions:
            before.append(_PAIR.pack(partition, len(records)))
            parts += (b"".join(before), records)
            before = []
    if before:
        parts.append(b"".join(before))
    return parts


def _decode_produced(frame: Buffer) -> Any:
    at = _AFTER_HEADER + 4
    topics = []
    for _ in range(_count(frame, _AFTER_HEADER)):
        topic, at = _text(frame, at)
        count = _count(frame, at)
        end = at + 4 + count * _PRODUCED.size
        topics.append((topic, list(_PRODUCED.iter_unpack(frame[at + 4 : end]))))
        at = end
    return ProduceResponse_v7(topics, *_INT32.unpack_from(frame, at))


def _encode_fetch(request: Any) -> list[Buffer]:
    topics = request._topics  # noqa: SLF001
    waits = (request._max_wait_ms, request._min_bytes, request._max_bytes, request._isolation_level)  # noqa: SLF001
    # As aiokafka has it: no replica, no session (0, and that there shall be none).
    parts = [_FETCH.pack(-1, *waits, 0, -1, len(topics))]
    pack = _FETCH_PARTITION.pack
    for topic, partitions in topics:
        parts += (text_bytes(topic), _INT32.pack(len(partitions)))
        parts += [pack(partition, -1, offset, -1, bytes_max) for partition, offset, bytes_max in partitions]
    parts += (_INT32.pack(0), text_bytes(request._rack_id))  # noqa: SLF001
    return [b"".join(parts)]


def _decode_fetched(frame: Buffer) -> Any:
    view = memoryview(frame)
    throttle, error, session = _FETCHED.unpack_from(frame, _AFTER_HEADER)
    at = _AFTER_HEADER + _FETCHED.size
    topics, topic_count = [], _count(frame, at)
    at += 4
    for _ in range(topic_count):
        topic, at = _text(frame, at)
        partitions, count = [], _count(frame, at)
        at += 4
        for _ in range(count):
            head = _FETCHED_PARTITION.unpack_from(frame, at)
            (aborted_count,) = _INT32.unpack_from(frame, at + _FETCHED_PARTITION.size)
            at += _FETCHED_PARTITION.size + 4
            aborted = None
            if aborted_count >= 0:
                end = at + aborted_count * _ABORTED.size
                aborted = list(_ABORTED.iter_unpack(view[at:end])) if aborted_count else []
                at = end
            replica, size = _PAIR.unpack_from(frame, at)
            at += _PAIR.size
            records = None
            if size >= 0:
                # The only copy: records stay in memory for longer than what was asked together with them.
                records = bytes(view[at : at + size])
                ensure(len(records) == size, "an answer to a fetch ends before its records do")
                at += size
            partitions.append((*head, aborted, replica, records))
        topics.append((topic, partitions))
    return FetchResponse_v11(throttle, error, session, topics)


def _encode_add_partitions(request: Any) -> list[Buffer]:
    topics = request._topics  # noqa: SLF001
    parts = [text_bytes(request._transactional_id), _producer(request), _INT32.pack(len(topics))]  # noqa: SLF001
    for topic, partitions in topics:
        parts += (text_bytes(topic), _INT32.pack(len(partitions)), *map(_INT32.pack, partitions))
    return [b"".join(parts)]


def _encode_add_offsets(request: Any) -> list[Buffer]:
    names = text_bytes(request._transactional_id), text_bytes(request._group_id)  # noqa: SLF001
    return [names[0] + _producer(request) + names[1]]


def _encode_offsets(request: Any) -> list[Buffer]:
    topics = request._topics  # noqa: SLF001
    names = text_bytes(request._transactional_id), text_bytes(request._group_id)  # noqa: SLF001
    parts = [*names, _producer(request), _INT32.pack(len(topics))]
    for topic, partitions in topics:
        parts += (text_bytes(topic), _INT32.pack(len(partitions)))
        for partition, offset, metadata in partitions:
            parts += (_COMMITTED.pack(partition, offset), text_bytes(metadata))
    return [b"".join(parts)]


def _encode_end(request: Any) -> list[Buffer]:
    result = b"\1" if request._transaction_result else b"\0"  # noqa: SLF001
    return [text_bytes(request._transactional_id) + _producer(request) + result]  # noqa: SLF001


def _decoder_of_errors(made: Any) -> Decode:
    """Return what takes an answer apart that has an error for each partition."""

    def decode(frame: Buffer) -> Any:
        throttle, count = _PAIR.unpack_from(frame, _AFTER_HEADER)
        at, topics = _AFTER_HEADER + _PAIR.size, []
        for _ in range(count):
            topic, at = _text(frame, at)
            end = at + 4 + _count(frame, at) * _PARTITION_ERROR.size
            topics.append((topic, list(_PARTITION_ERROR.iter_unpack(frame[at + 4 : end]))))
            at = end
        return made(throttle, topics)

    return decode


def _decoder_of_error(made: Any) -> Decode:
    """Return what takes an answer apart that is one error."""
    return lambda frame: made(*_PARTITION_ERROR.unpack_from(frame, _AFTER_HEADER))


def _producer(request: Any) -> bytes:
    return _PRODUCER.pack(request._producer_id, request._producer_epoch)  # noqa: SLF001


def _count(frame: Buffer, at: int) -> int:
    """Return how many there are of a list, which is never the absent one."""
    count: int = _INT32.unpack_from(frame, at)[0]
    ensure(count >= 0, "an answer of the broker has no list where there must be one")
    return count


def _text(frame: Buffer, at: int) -> tuple[str, int]:
    """Return the text at a place, and the place after it."""
    after = at + 2
    end = after + _INT16.unpack_from(frame, at)[0]
    return frame[after:end].decode(), end


FORMS: dict[Any, Form] = {
    ProduceRequest: Form(ProduceRequest_v7, _encode_produce, _decode_produced),
    FetchRequest: Form(FetchRequest_v11, _encode_fetch, _decode_fetched),
    AddPartitionsToTxnRequest: Form(
        AddPartitionsToTxnRequest_v0, _encode_add_partitions, _decoder_of_errors(AddPartitionsToTxnResponse_v0)
    ),
    AddOffsetsToTxnRequest: Form(
        AddOffsetsToTxnRequest_v0, _encode_add_offsets, _decoder_of_error(AddOffsetsToTxnResponse_v0)
    ),
    TxnOffsetCommitRequest: Form(
        TxnOffsetCommitRequest_v0, _encode_offsets, _decoder_of_errors(TxnOffsetCommitResponse_v0)
    ),
    EndTxnRequest: Form(EndTxnRequest_v0, _encode_end, _decoder_of_error(EndTxnResponse_v0)),
}

for _asked, _form in FORMS.items():
    ensure(
        _asked._CLASSES[-1] is _form.struct and not _form.struct.FLEXIBLE_VERSION,  # noqa: SLF001
        f"aiokafka sends {_asked.__name__} in another version than the pinned one",
    )
