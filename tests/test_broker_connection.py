"""What comes over a connection goes to whoever asked for it, and whoever asked in vain is told so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from struct import Struct

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import CorrelationIdError, KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.transaction import EndTxnRequest, EndTxnResponse_v0
from hypothesis import given, strategies as st

from metering.broker_connection import SMALL_BYTES, BrokerConnection, Frames
from metering.broker_messages import FORMS
from tests.stack.brokers import ON_APACHE
from tests.stack.servers import AnyBroker

SIZE = Struct(">i")
Answer = Callable[[int, bytes], Awaitable[bytes | None]]
"""Of the request's number and what it says, what to write; None: nothing more, ever."""

REQUEST = EndTxnRequest("bucket-1", 7, 0, transaction_result=True)


def framed(number: int, said: bytes) -> bytes:
    return SIZE.pack(len(said) + 4) + SIZE.pack(number) + said


async def answer_all(number: int, _asked: bytes) -> bytes:
    """Answer with the number of the request as its error."""
    return framed(number, EndTxnResponse_v0(0, number).encode())


@asynccontextmanager
async def connected(answer: Answer, timeout_ms: int = 60_000) -> AsyncIterator[BrokerConnection]:
    """A connection to a peer that has one request in one version, and answers it so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = SIZE.unpack(await reader.readexactly(4))
                asked = await reader.readexactly(size)
                (number,) = SIZE.unpack_from(asked, 4)
                if number == 1:  # which versions there are, asked first of all
                    said: bytes | None = framed(number, ApiVersionResponse_v0(0, [(26, 0, 0)]).encode())
                else:
                    said = await answer(number, asked)
                if said is None:
                    break
                writer.write(said)
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = BrokerConnection("127.0.0.1", server.sockets[0].getsockname()[1], request_timeout_ms=timeout_ms)
    try:
        await connection.connect()
        yield connection
    finally:
        await connection.close()
        server.close()


async def silence(_number: int, _asked: bytes) -> bytes:
    return b""


@given(
    st.lists(st.sampled_from([0, 1, 5, SMALL_BYTES - 4, SMALL_BYTES - 3, 3 * SMALL_BYTES]), max_size=6),
    st.lists(st.integers(0, 20 * SMALL_BYTES), max_size=8),
)
def test_answers_are_cut_out_of_whatever_pieces_they_come_in(sizes: list[int], cuts: list[int]) -> None:
    class Taking:
        taken: list[bytes] = []  # noqa: RUF012  one of these in each example

        def connected(self) -> bool:
            return True

        def take_answer(self, frame: bytes) -> None:
            self.taken.append(bytes(frame))

    taking = Taking()
    taking.taken = []
    answers = [bytes([place + 1]) * size for place, size in enumerate(sizes)]
    stream = b"".join(SIZE.pack(len(each)) + each for each in answers)
    frames = Frames(None, None)  # type: ignore[arg-type]  # nobody waits for its end
    frames.hand_to(taking)

    for begin, end in pairwise(sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})):
        piece = stream[begin:end]
        while piece:
            room = frames.get_buffer(-1)
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            frames.buffer_updated(count)
            piece = piece[count:]

    assert taking.taken == answers


async def test_each_gets_its_own_answer_though_one_has_stopped_waiting() -> None:
    async with connected(answer_all) as connection:
        first, second, third = (connection.send(REQUEST) for _ in range(3))
        second.cancel()

        assert [(await first).error_code, (await third).error_code] == [2, 4]


async def test_request_of_which_no_answer_comes_is_given_up_after_its_time_and_those_after_it_after_theirs() -> None:
    async with connected(silence, timeout_ms=200) as connection:
        loop = asyncio.get_running_loop()
        began, first = loop.time(), connection.send(REQUEST)
        await asyncio.sleep(0.1)
        second = connection.send(REQUEST)

        for request, seconds in ((first, 0.2), (second, 0.3)):
            with pytest.raises(TimeoutError):
                await request
            assert seconds <= loop.time() - began


async def test_request_sent_after_one_that_was_answered_has_all_its_time() -> None:
    async def answer_first(number: int, asked: bytes) -> bytes:
        return await answer_all(number, asked) if number == 2 else b""

    async with connected(answer_first, timeout_ms=200) as connection:
        await connection.send(REQUEST)
        await asyncio.sleep(0.15)
        began = asyncio.get_running_loop().time()

        with pytest.raises(TimeoutError):
            await connection.send(REQUEST)
        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_answer_with_a_number_that_nobody_asked_by_closes_the_connection() -> None:
    async def answer_another(number: int, asked: bytes) -> bytes:
        return await answer_all(number + 1, asked)

    async with connected(answer_another) as connection:
        first, second = connection.send(REQUEST), connection.send(REQUEST)

        with pytest.raises(CorrelationIdError):
            await first
        with pytest.raises(KafkaConnectionError):
            await second
        assert not connection.connected()


async def test_answer_that_cannot_be_read_closes_the_connection_and_is_told_to_all_who_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def answer_half(number: int, _asked: bytes) -> bytes:
        return framed(number, b"\0")

    async with connected(answer_half) as connection:
        waiting = [connection.send(REQUEST) for _ in range(2)]

        for each in waiting:
            with pytest.raises(KafkaConnectionError, match="closed"):
                await each
        assert not connection.connected()
    assert "cannot be read" in caplog.text


async def test_broker_that_closes_the_connection_is_told_to_all_who_wait() -> None:
    async def hang_up(_number: int, _asked: bytes) -> None:
        return None

    async with connected(hang_up) as connection:
        waiting = [connection.send(REQUEST) for _ in range(2)]

        for each in waiting:
            with pytest.raises(KafkaConnectionError, match="closed"):
                await each
        with pytest.raises(KafkaConnectionError, match="No connection"):
            connection.send(REQUEST)


@ON_APACHE
async def test_broker_of_today_takes_every_request_in_the_form_that_needs_no_schema(broker: AnyBroker) -> None:
    client = AIOKafkaClient(bootstrap_servers=broker.endpoint)
    await client.bootstrap()
    node = client.get_random_node()
    await client.send(node, MetadataRequest([]))

    (connection,) = client._conns.values()
    assert isinstance(connection, BrokerConnection)
    assert [form.struct.__name__ for form in FORMS.values() if not connection._speaks(form.struct)] == []
    await client.close()
