"""Is a broker up? Asked in Kafka's protocol, so that an open port alone is not taken for an answer."""

from __future__ import annotations

import asyncio

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from metering.connections import use_own_connections
from metering.embedded.server import NotReady

REQUEST_TIMEOUT_MS = 2_000

use_own_connections()


async def check_broker(endpoint: str, advertised: str | None = None) -> None:
    """Return when the broker at `endpoint` names itself in its metadata; until then raise `NotReady` or `OSError`.

    `advertised` is the address that it has there, where that is not `endpoint` itself.
    """
    host, _, port = endpoint.partition(":")
    # aiokafka logs an error for each refused connection; a plain one first keeps a start quiet.
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    client = AIOKafkaClient(bootstrap_servers=endpoint, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await client.bootstrap()
        brokers = [f"{broker.host}:{broker.port}" for broker in client.cluster.brokers()]
    except KafkaError as error:
        raise NotReady(str(error)) from error
    finally:
        await client.close()
    if (advertised or endpoint) not in brokers:
        raise NotReady(f"the broker is not in its own metadata yet: {brokers}")
