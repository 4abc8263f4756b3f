"""A connection to a broker that copies what goes through it once, and has one timer. Leaves who sends what to aiokafka.

aiokafka's own copies each byte of a request five times between batch and socket, and of an answer five times between
socket and records; it has a coroutine, a context and a timer for each request. This takes its place in every client of
the process, under the same names: what closes it, and what is told to whom when it breaks, is as there.
"""

from __future__ import annotations

import asyncio
import io
import logging
import struct
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiokafka import conn
from aiokafka.errors import CorrelationIdError, KafkaConnectionError

from metering.broker_messages import FORMS, Buffer, Decode, text_bytes
from metering.errors import ensure

log = logging.getLogger(__name__)

SMALL_BYTES = 16 * 1024
"""Answers up to this size come many in one read of the socket; a larger one is read straight to its place. Each
connection keeps so much, and a worker has two for each bucket."""

COPIED_BYTES = 64 * 1024
"""Requests up to this size are put together by a copy, which costs less than handing over their parts."""

_SIZE = struct.Struct(">i")
_HEADER = struct.Struct(">ihhi")


class Frames(asyncio.BufferedProtocol):
    """Cuts what a broker sends into answers, and hands each to its connection."""

    def __init__(self, closed: asyncio.Future[None], _reader: Any, **_options: Any) -> None:
        """Prepare, in the place of aiokafka's; `closed` is set at the end of the connection."""
        self._closed = closed
        self._connection: Callable[[], Any] = lambda: None
        self._small = bytearray(SMALL_BYTES)
        self._small_view = memoryview(self._small)
        self._large: bytearray | None = None
        self._large_view = self._small_view
        self._filled = 0
        """Bytes that have come, of the large answer if there is one under way."""

    def hand_to(self, connection: Any) -> None:
        """Hand answers to it from now on; it may be let go of all the same."""
        self._connection = weakref.ref(connection)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Return where what comes next is to be put."""
        view = self._small_view if self._large is None else self._large_view
        return view[self._filled :]

    def buffer_updated(self, count: int) -> None:
        """Hand on what has come whole."""
        self._filled += count
        if self._large is None:
            self._cut()
        elif self._filled == len(self._large):
            large, self._large, self._large_view, self._filled = self._large, None, self._small_view, 0
            self._hand(large)

    def eof_received(self) -> bool:
        """Close when the broker does: it will answer nothing that would still be written."""
        self._end(EOFError("the broker has closed the connection"))
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits for answers, and whoever waits for the end."""
        self._end(error)
        if not self._closed.done():
            self._closed.set_result(None)

    def _cut(self) -> None:
        small, view, filled, at = self._small, self._small_view, self._filled, 0
        while filled - at >= _SIZE.size:
            first = at + _SIZE.size
            (size,) = _SIZE.unpack_from(small, at)
            if size > SMALL_BYTES - _SIZE.size:
                self._large = bytearray(size)
                self._large_view = memoryview(self._large)
                self._filled = filled - first
                self._large_view[: self._filled] = view[first:filled]
                return
            if filled - first < size:
                break
            self._hand(bytes(view[first : first + size]))
            at = first + size
        self._filled = filled - at
        if at and self._filled:
            small[: self._filled] = small[at:filled]

    def _hand(self, frame: Buffer) -> None:
        connection = self._connection()
        if connection is None or not connection.connected():
            return
        try:
            connection.take_answer(frame)
        except Exception as error:
            log.exception("an answer of the broker cannot be read")
            connection.close(conn.CloseReason.CONNECTION_BROKEN, error)

    def _end(self, error: Exception | None) -> None:
        connection = self._connection()
        if connection is not None:
            connection.close(conn.CloseReason.CONNECTION_BROKEN, error)


class BrokerConnection(conn.AIOKafkaConnection):  # type: ignore[misc]  # aiokafka is not typed
    """aiokafka's connection, of which other code reads, writes and waits."""

    _transport: asyncio.Transport
    _watch: asyncio.TimerHandle | None = None

    def _create_reader_task(self) -> asyncio.Future[None]:
        """Begin to read: here no task does, so what stands for it has ended."""
        self._transport = self._writer.transport
        self._protocol.hand_to(self)
        self._name = text_bytes(self._client_id)
        ended: asyncio.Future[None] = self._loop.create_future()
        ended.set_result(None)
        return ended

    def send(self, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002  as aiokafka has it
        """Send a request; return what waits for its answer.

        That raises `TimeoutError` where none comes in time, and what the connection broke by. Raises
        `KafkaConnectionError` where it is broken already.
        """
        if self._writer is None or not expect_response:
            return super().send(request, expect_response=expect_response)
        number = self._next_correlation_id()
        form = FORMS.get(type(request))
        if form is not None and self._speaks(form.struct):
            asked = form.struct
            parts, decode = form.encode(request), form.decode
            size = _HEADER.size - _SIZE.size + len(self._name) + sum(map(len, parts))
            parts.insert(0, _HEADER.pack(size, asked.API_KEY, asked.API_VERSION, number) + self._name)
        else:
            prepared = request.prepare(self._versions)
            header = prepared.build_request_header(correlation_id=number, client_id=self._client_id)
            body, decode = header.encode() + prepared.encode(), _decoder(prepared)
            size = len(body)
            parts = [_SIZE.pack(size), body]
        try:
            if size < COPIED_BYTES:
                self._transport.write(b"".join(parts))
            else:
                self._transport.writelines(parts)
        except OSError as error:
            self.close(reason=conn.CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self._host}:{self._port} broken: {error}") from error
        answer = self._loop.create_future()
        deadline = self._loop.time() + self._request_timeout
        self._requests.append((number, (decode, deadline), answer))
        if self._watch is None:
            self._watch = self._loop.call_at(deadline, _end_overdue, weakref.ref(self))
        return answer

    def take_answer(self, frame: Buffer) -> None:
        """Give an answer to whoever waits for it. Raises where it is none, or not of what was asked."""
        number, asked, answer = self._requests[0]
        if asked is None:  # a step of getting in, which aiokafka sends and reads itself
            self._handle_frame(frame)
            return
        (answered,) = _SIZE.unpack_from(frame)
        if answered != number:
            error = CorrelationIdError(f"Correlation ids do not match: sent {number}, recv {answered}")
            if not answer.done():
                answer.set_exception(error)
            self.close(reason=conn.CloseReason.OUT_OF_SYNC)
            return
        if not answer.done():
            answer.set_result(asked[0](frame))
        self._last_action = conn.time.monotonic()
        # Last: until here `close` tells whoever waits.
        self._requests.popleft()

    def end_overdue(self) -> None:
        """Tell those who have waited for too long for an answer, who then close the connection."""
        now, self._watch = self._loop.time(), None
        for _, asked, answer in self._requests:
            if asked is None or answer.done():
                continue
            deadline = asked[1]
            if deadline > now:
                self._watch = self._loop.call_at(deadline, _end_overdue, weakref.ref(self))
                return
            answer.set_exception(TimeoutError())

    def close(self, reason: Any = None, exc: BaseException | None = None) -> Any:
        """Close, and tell whoever waits for an answer."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        return super().close(reason, exc)

    def __del__(self) -> None:
        """Close without a word where nobody holds it any more: whoever let go of it knows.

        A client that is cancelled while it asks its first broker for the others forgets that connection; aiokafka's
        own finalizer tells of it before it closes, and where warnings are errors never closes.
        """
        # Its loop may be closed, and everything with it; or it was refused while it was made, and has nothing to close.
        with suppress(RuntimeError, AttributeError):
            self.close()

    def _speaks(self, asked: Any) -> bool:
        """Whether the broker takes a request in its newest form."""
        least, most = self._versions.get(asked.API_KEY, (0, -1))
        return bool(least <= asked.API_VERSION <= most)


def _decoder(prepared: Any) -> Decode:
    """Return how aiokafka takes an answer apart."""

    def decode(frame: Buffer) -> Any:
        stream = io.BytesIO(frame)
        prepared.parse_response_header(stream)
        return prepared.RESPONSE_TYPE.decode(stream)

    return decode


def _end_overdue(known: Callable[[], BrokerConnection | None]) -> None:
    connection = known()
    if connection is not None:
        connection.end_overdue()


_KNOWN = "_reader _writer _protocol _requests _read_task _closed_fut _versions _client_id _request_timeout _last_action"
ensure(
    set(_KNOWN.split()) <= set(conn.AIOKafkaConnection.__init__.__code__.co_names),
    "aiokafka has its connections in another way than the pinned version",
)
