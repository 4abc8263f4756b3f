"""A loopback proxy that cuts connections and makes them slow. Leaves what is said over them to the two ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

from metering.embedded.ports import LOOPBACK, find_free_port

READ_BYTES = 64 * 1024


class Proxy:
    """Stands before a server of 127.0.0.1: its port stays while the server behind it may be another."""

    def __init__(self, target_port: int = 0) -> None:
        self.target_port = target_port
        """Where new connections go; set before the first one comes."""
        self.delay_seconds = 0.0
        """What each piece of data waits in each direction; pieces of one connection keep their order."""
        self.joined = 0
        """How many connections were let through."""
        self.port = find_free_port()
        self._open = True
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> str:
        """`host:port` for clients."""
        return f"{LOOPBACK}:{self.port}"

    def cut(self) -> None:
        """Break every connection, and refuse new ones until `mend`."""
        self._open = False
        for writer in list(self._ends):
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again, without delay."""
        self._open = True
        self.delay_seconds = 0.0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in list(self._pumps):
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        task.add_done_callback(self._pumps.discard)
        self._ends.add(to_client)
        try:
            if self._open:
                await self._join(client, to_client)
        finally:
            self._ends.discard(to_client)
            to_client.transport.abort()

    async def _join(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await asyncio.open_connection(LOOPBACK, self.target_port)
        except OSError:
            return  # the client sees its connection break, as it would without us
        self.joined += 1
        self._ends.add(to_server)
        pumps = [asyncio.create_task(self._pump(*way)) for way in ((client, to_server), (server, to_client))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._ends.discard(to_server)
            to_server.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(READ_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(data)
                await writer.drain()
