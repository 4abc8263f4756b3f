"""The life of one embedded server: start, stop, kill, restart; leaves its program and its protocol to the subclass."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from metering.embedded.directories import WorkDirectory
from metering.embedded.ports import LOOPBACK, find_free_port
from metering.embedded.process import POLL_SECONDS, Command, Process
from metering.errors import Fatal

PORT_ATTEMPTS_MAX = 3
CANCEL_AGAIN_SECONDS = 0.5
_PORT_TAKEN = ("address already in use", "address in use", "could not bind")


class ServerFailed(Fatal):
    """An embedded server did not start. The message carries the end of its log."""


class NotReady(Exception):
    """The server does not answer as it should yet."""


class Server(ABC):
    """A server on 127.0.0.1 as a child of this process.

    Data lives in a work directory that `discard` removes; `stop`, `kill` and `start` keep it, and keep the port. The
    log goes to `directory` when one is given. As a context manager: started inside, discarded after.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_seconds_max: ClassVar[float] = 30.0
    stop_seconds_max: ClassVar[float] = 10.0

    def __init__(self, directory: Path | None = None, port: int | None = None) -> None:
        """Prepare nothing yet. `directory` gets the log (None: the work directory); `port` None finds a free one."""
        self._directory = directory
        self._port_is_given = port is not None
        self._was_up = False
        self._port = port
        self._work: WorkDirectory | None = None
        self._process: Process | None = None
        self._not_ready = ""  # what the last question while starting came to

    @property
    def port(self) -> int:
        """The port, the same through every restart; known once started."""
        if self._port is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._port

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there; it may still be starting."""
        return self._process is not None and self._process.returncode is None

    @property
    def work_path(self) -> Path:
        """Where data lives, made when first asked for."""
        if self._work is None:
            self._work = self._make_work_directory()
        return self._work.path

    @property
    def log_path(self) -> Path:
        """Where the server's output goes; appended to by every start."""
        return (self._directory or self.work_path) / f"{self.name}.log"

    def ensure_running(self) -> None:
        """Raise `ServerFailed` with the end of the log when the server has died of itself since it was started."""
        if self._process is not None and self._process.returncode is not None:
            raise self._failed(f"ended with code {self._process.returncode}", self._process)

    async def start(self) -> None:
        """Start and return when the server answers. Raises `ServerFailed`. Failed or cancelled, no process is left."""
        if self.is_running:
            raise RuntimeError(f"{self.name} is running already")
        for attempt in range(1, PORT_ATTEMPTS_MAX + 1):
            if self._port is None:
                self._port = find_free_port()
            try:
                await self._start_once()
            except ServerFailed as error:
                # Only a first start may move: later ones have clients that know the port.
                may_move = not (self._port_is_given or self._was_up) and attempt < PORT_ATTEMPTS_MAX
                if not (may_move and any(words in str(error).lower() for words in _PORT_TAKEN)):
                    raise
                self._port = None
            else:
                self._was_up = True
                return

    async def stop(self) -> None:
        """End the server in its own orderly way and keep its data. Does nothing when it is not running."""
        if self._process is not None:
            await self._process.stop(self.stop_signal, self.stop_seconds_max)
            self._process = None

    async def kill(self) -> None:
        """End the server as a crash would (SIGKILL, children included) and keep what was on disk."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    async def restart(self) -> None:
        """Stop and start on the same port with the data that `stop` left."""
        await self.stop()
        await self.start()

    async def discard(self) -> None:
        """Stop the server and delete its data. Does nothing the second time."""
        try:
            await self.stop()
        finally:
            if self._work is not None:
                self._work.remove()
                self._work = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.discard()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.discard()

    async def _start_once(self) -> None:
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        await self._prepare()
        process = self._process = Process(self._build_command(), self.log_path)
        try:
            await self._wait_until_ready(process)
        except BaseException:
            process.kill()
            self._process = None
            raise

    async def _wait_until_ready(self, process: Process) -> None:
        check = asyncio.create_task(self._ask_until_ready())
        try:
            deadline = time.monotonic() + self.start_seconds_max
            while not check.done() and process.returncode is None and time.monotonic() < deadline:
                await asyncio.wait({check}, timeout=POLL_SECONDS)
        finally:
            # Waited for, so that a question that is cut off has closed its connection before its loop may end; and
            # repeated, because a client that is just closing one can lose a cancellation.
            while not check.done():
                check.cancel()
                await asyncio.wait({check}, timeout=CANCEL_AGAIN_SECONDS)
        self.ensure_running()  # also after an answer: it may have been another server's on this port
        if check.cancelled():
            raise self._failed(f"did not answer within {self.start_seconds_max:.0f} s ({self._not_ready})", process)
        check.result()

    async def _ask_until_ready(self) -> None:
        self._not_ready = "it was never asked"
        while True:
            try:
                return await self._check_ready()
            except (NotReady, OSError) as error:
                self._not_ready = str(error) or repr(error)
            await asyncio.sleep(POLL_SECONDS)

    def _failed(self, what: str, process: Process) -> ServerFailed:
        return ServerFailed(f"{self.name} {what}; the end of {self.log_path}:\n{process.read_log_tail()}")

    def _make_work_directory(self) -> WorkDirectory:
        return WorkDirectory(self.name)

    @abstractmethod
    async def _prepare(self) -> None:
        """Make what must be on disk before the program starts. Comes before every start, so it must bear repetition."""

    @abstractmethod
    def _build_command(self) -> Command:
        """Return what to run."""

    @abstractmethod
    async def _check_ready(self) -> None:
        """Ask the server, in its own protocol, whether it is up. Raise `NotReady` or `OSError` when it is not yet."""


def build_environment(**extra: str) -> dict[str, str]:
    """Return the little of this process's environment that a server may see, and `extra`.

    Settings of other programs (PGHOST, KAFKA_OPTS, RUST_LOG, …) must not steer a server that is meant to be the same
    everywhere.
    """
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "TZ": "UTC", **extra}
