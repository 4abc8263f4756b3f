"""Apache Kafka that lets in who has a password, over TLS, and only to what its ACLs name. Leaves those to tests.

Its plain listener on loopback stays for whoever sets it up: there everyone is `ANONYMOUS`, a super user.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest
from msgspec import Struct

from metering.embedded.kafka import KafkaBroker
from metering.embedded.ports import LOOPBACK, find_free_port
from tests.stack.tls_front import FILES

ALLOW = 3
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional id": 5}
OPERATIONS = {"read": 3, "write": 4, "describe": 8, "describe configs": 10, "idempotent write": 12}
LITERAL, PREFIXED = 3, 4


class Grant(Struct, frozen=True):
    """What somebody may do. A name that ends in `*` is a prefix."""

    user: str
    resource: str
    name: str
    operation: str


class SecureKafka(KafkaBroker):
    """A broker with a second listener: SASL/SCRAM over TLS, for `users` (name: password)."""

    def __init__(self, users: Mapping[str, str]) -> None:
        super().__init__(
            is_short_lived=True,
            authorizer_class_name="org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            super_users="User:ANONYMOUS",
            allow_everyone_if_no_acl_found="false",
            sasl_enabled_mechanisms="SCRAM-SHA-512",
            ssl_keystore_type="PEM",
            ssl_keystore_location="server-all.pem",
        )
        self._users = users
        self._secure_port = find_free_port()

    @property
    def secure_endpoint(self) -> str:
        """`host:port` of the listener that asks who one is."""
        return f"{LOOPBACK}:{self._secure_port}"

    async def grant(self, grants: Iterable[Grant]) -> None:
        """Add ACLs."""
        client = AIOKafkaClient(bootstrap_servers=self.endpoint)
        try:
            await client.bootstrap()
            sent: list[Any] = []
            for one in grants:
                name, pattern = one.name.removesuffix("*"), PREFIXED if one.name.endswith("*") else LITERAL
                kind, operation = RESOURCES[one.resource], OPERATIONS[one.operation]
                request = CreateAclsRequest(kind, name, pattern, f"User:{one.user}", "*", operation, ALLOW)
                sent.append(client.send(client.get_random_node(), request))
            for answer in await asyncio.gather(*sent):
                ((code, message),) = answer.creation_responses
                assert code == 0, message
        finally:
            await client.close()

    def _write_settings(self, controller_port: int) -> None:
        keystore = self.work_path / "server-all.pem"
        keystore.write_text((FILES / "server.key").read_text() + (FILES / "server.pem").read_text())
        self._settings["ssl.keystore.location"] = str(keystore)
        super()._write_settings(controller_port)

    def _describe_listeners(self, controller_port: int) -> dict[str, str]:
        listeners = super()._describe_listeners(controller_port)
        secure = f",SECURE://{self.secure_endpoint}"
        protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL"
        return {
            **listeners,
            "listeners": listeners["listeners"] + secure,
            "advertised.listeners": listeners["advertised.listeners"] + secure,
            "listener.security.protocol.map": protocols,
            "listener.name.secure.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
        }

    def _format_arguments(self) -> list[str]:
        users = [f"SCRAM-SHA-512=[name={name},password={password}]" for name, password in self._users.items()]
        return [argument for user in users for argument in ("--add-scram", user)]
