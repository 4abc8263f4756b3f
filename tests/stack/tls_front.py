"""TLS in front of a server that has none, as a terminating proxy does it. Leaves the certificates to `tls/`."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Self

FILES = Path(__file__).with_name("tls")
CA_FILE = FILES / "ca.pem"
READ_BYTES = 64 * 1024


class TlsFront:
    """Takes TLS on a port of 127.0.0.1 and passes on to `port` in the clear. As a context manager."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(FILES / "server.pem", FILES / "server.key")
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        tasks = [
            asyncio.create_task(_pass_on(reader, behind_writer)),
            asyncio.create_task(_pass_on(behind_reader, writer)),
        ]
        for task in tasks:
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, asyncio.IncompleteReadError):
        try:
            while data := await reader.read(READ_BYTES):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
