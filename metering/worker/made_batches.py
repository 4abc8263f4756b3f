"""Record batches whose bytes are made: all at once where steps are compiled, or out of what aiokafka has filled.

Leaves when they are made, and what becomes of them, to `sending` and `publishing`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from struct import Struct

from aiokafka.codec import snappy_encode
from aiokafka.producer.message_accumulator import BatchBuilder

from metering import native
from metering.record_batches import ATTRIBUTES_AT, crc32c

CODECS = (0, 2)
"""Of the attributes of a batch: none, and Snappy. What is packed here goes under one of them."""

_SNAPPY = 2
_TRANSACTIONAL = 0x10
_MAGIC = 2

# The header of a record batch (Kafka's message format, version 2). The CRC is of all from the attributes on.
_HEADER = Struct(">qiibIhiqqqhii")
_LENGTH_FROM = 12
_CRC_AT, _PRODUCER_AT = 17, 43
_CRC, _PRODUCER = Struct(">I"), Struct(">qhi")


class MadeBatch(BatchBuilder):  # type: ignore[misc]  # aiokafka is not typed
    """A batch to which nothing is added any more: where it is compressed, of a tenth of the bytes while it waits.

    aiokafka itself makes the bytes when it sends, since the header says by then whose batch it is, and under which
    number. Here that is written into the header when it is known.
    """

    def __init__(self, data: bytearray, count: int) -> None:
        """Take over the bytes of `count` records. The CRC among them need not hold yet."""
        self._relative_offset = count
        self._data = data
        self._buffer = None
        self._closed = True
        self._is_sealed = False

    def size(self) -> int:
        """Return its bytes."""
        return len(self._data)

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        _PRODUCER.pack_into(self._data, _PRODUCER_AT, producer_id, producer_epoch, base_sequence)
        self._is_sealed = False

    def _build(self) -> bytearray:
        if not self._is_sealed:
            _CRC.pack_into(self._data, _CRC_AT, crc32c(memoryview(self._data)[ATTRIBUTES_AT:]))
            self._is_sealed = True
        return self._data


def press_batch(filled: BatchBuilder) -> MadeBatch:
    """Return a batch that nobody adds to any more as its bytes."""
    if isinstance(filled, MadeBatch):
        return filled
    return MadeBatch(bytearray(filled._build()), filled.record_count())  # noqa: SLF001  it tells nobody else


def pack_batch(
    keys: Sequence[bytes], values: Sequence[bytes], first: int, bytes_max: int, codec: int, *, is_transactional: bool
) -> MadeBatch:
    """Return the records from place `first` on, in their order, as many as a batch takes, and one at least.

    All are stamped with this moment; the log puts its own in that place. Only where steps are compiled, and for one of
    `CODECS`.
    """
    keys, values = list(keys), list(values)
    data, count = native.batches.pack(keys, values, first, _HEADER.size, bytes_max)
    attributes = _TRANSACTIONAL if is_transactional else 0
    if codec == _SNAPPY:
        attributes |= _SNAPPY
        data = bytearray().join((bytes(_HEADER.size), snappy_encode(memoryview(data)[_HEADER.size :])))
    now_ms = time.time_ns() // 1_000_000
    stamps = (now_ms, now_ms)
    length = len(data) - _LENGTH_FROM
    _HEADER.pack_into(data, 0, 0, length, -1, _MAGIC, 0, attributes, count - 1, *stamps, -1, -1, 0, count)
    return MadeBatch(data, count)
