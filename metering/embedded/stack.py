"""The three servers that metering needs, as one thing; leaves topics, migrations and workers to the command line."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from metering.embedded.brokers import BROKERS, BrokerName
from metering.embedded.postgres import PostgresServer
from metering.embedded.server import Server
from metering.embedded.valkey import ValkeyServer

ENVIRONMENT_FILE = "stack.env"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
WATCH_SECONDS = 0.5  # how long a server may be dead before somebody is told


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the three servers are, in the form in which metering's settings take it."""

    redis_url: str
    postgres_dsn: str
    kafka_bootstrap: str

    def settings(self) -> dict[str, str]:
        """Return the environment variables that point metering there."""
        return {
            "METERING_REDIS__URL": self.redis_url,
            "METERING_POSTGRES__DSN": self.postgres_dsn,
            "METERING_KAFKA__BOOTSTRAP": self.kafka_bootstrap,
        }


class Stack:
    """Valkey, Postgres and a broker on free ports of 127.0.0.1, all empty at first and gone at the end.

    `async with Stack() as stack:` starts them together and discards them after, also when the body is cancelled (which
    is what Ctrl-C and `asyncio.Runner` do). When this process is killed instead, the kernel ends the servers; what they
    leave on disk is swept away by the next stack. Any number may run on one machine.
    """

    def __init__(
        self,
        broker: BrokerName = "tansu",
        directory: Path | None = None,
        *,
        valkey_appendonly: bool = False,
        postgres_settings: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the stack. `directory` gets the logs and, while the stack is up, `stack.env` with its settings.

        `valkey_appendonly` lets Valkey keep its data through a kill; without it a restart of Valkey comes back empty.
        `postgres_settings` are Postgres' own, over those that it has for throw-away data.
        """
        self.directory = directory
        self.valkey = ValkeyServer(directory, appendonly=valkey_appendonly)
        self.postgres = PostgresServer(directory, None, **(postgres_settings or {}))
        self.broker = BROKERS[broker](directory)
        self.broker_name = broker

    @property
    def servers(self) -> tuple[Server, ...]:
        """The three, in no order that matters: none needs another."""
        return (self.valkey, self.postgres, self.broker)

    @property
    def endpoints(self) -> Endpoints:
        """Where they are; known once started, the same through restarts."""
        return Endpoints(self.valkey.url, self.postgres.dsn, self.broker.endpoint)

    @property
    def redis_url(self) -> str:
        """Address of Valkey."""
        return self.valkey.url

    @property
    def postgres_dsn(self) -> str:
        """Address of the database, password included."""
        return self.postgres.dsn

    @property
    def kafka_bootstrap(self) -> str:
        """`host:port` of the broker."""
        return self.broker.endpoint

    def settings(self) -> dict[str, str]:
        """Return the environment variables that point metering at this stack."""
        return self.endpoints.settings()

    async def start(self) -> None:
        """Start all three at once. Raises `ServerFailed` of the first that cannot; then, or cancelled, none is left."""
        try:
            async with asyncio.TaskGroup() as group:
                for server in self.servers:
                    group.create_task(server.start())
            self.write_environment_file(self.settings())
        except BaseExceptionGroup as failures:
            await self.discard()
            raise failures.exceptions[0] from None
        except BaseException:
            await self.discard()
            raise

    async def wait_until_told_to_stop(self) -> None:
        """Return at SIGINT or SIGTERM, so that the caller can stop in order. Raises `ServerFailed` when a server dies.

        The signals have their old meaning again afterwards: a second one ends a shutdown that hangs.
        """
        loop = asyncio.get_running_loop()
        told = asyncio.Event()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, told.set)
        try:
            while not told.is_set():
                for server in self.servers:
                    server.ensure_running()
                with suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), WATCH_SECONDS)
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    async def stop(self) -> None:
        """Stop all three at once in their orderly way; what is on disk stays, and so do the ports."""
        await asyncio.gather(*(server.stop() for server in self.servers))

    async def discard(self) -> None:
        """Stop what runs and delete all data; logs stay in `directory`. Does nothing the second time."""
        if self.directory is not None:
            (self.directory / ENVIRONMENT_FILE).unlink(missing_ok=True)
        await asyncio.gather(*(server.discard() for server in self.servers))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.discard()

    def write_environment_file(self, settings: Mapping[str, str]) -> None:
        """Write `settings` to `stack.env` as NAME=value lines, which shells and `.env` readers take, replacing it.

        Private, for the password in it. Does nothing without a directory.
        """
        if self.directory is None:
            return
        descriptor = os.open(self.directory / ENVIRONMENT_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())
