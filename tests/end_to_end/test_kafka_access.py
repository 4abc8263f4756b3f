"""The whole system on a broker that asks who one is: each part with the rights that the docs give it, and no more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from metering.contracts.topics import TOPIC_PLANS
from metering.embedded.postgres import PostgresServer
from metering.embedded.stack import Endpoints
from metering.embedded.valkey import ValkeyServer
from metering.settings import KafkaSettings
from tests.end_to_end.command_line import run, run_plain
from tests.end_to_end.messages import AMERICA, command, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals
from tests.stack.fresh import FreshStack, empty_valkey
from tests.stack.secure_kafka import Grant, SecureKafka
from tests.stack.tls_front import CA_FILE

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
TOPICS = [plan.topic for plan in TOPIC_PLANS]
USERS = ("pipeline", "operator", "worker", "checkpointer", "auditor", "stranger")


def documented_grants(kafka: KafkaSettings) -> Iterator[Grant]:
    """The ACLs in docs/operations.md, with the names of the test's topics and group."""
    rows = re.findall(
        r"^\| `(\w+)` \| (topic|group|transactional id) \| (.+?) \| (.+?) \|$", OPERATIONS.read_text(), re.MULTILINE
    )
    assert {user for user, *_ in rows} == set(USERS) - {"stranger"}
    for user, resource, names, operations in rows:
        for name in re.findall(r"`(.+?)`", names):
            placed = name.replace("metering-worker", kafka.group)
            if resource != "group" or name != "metering-worker":
                placed = kafka.topic_prefix + placed
            for operation in operations.split(", "):
                yield Grant(user, resource, placed, operation)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def secure() -> AsyncIterator[SecureKafka]:
    async with SecureKafka({user: f"{user}-secret" for user in USERS}) as broker:
        yield broker


@pytest_asyncio.fixture
async def system(
    secure: SecureKafka,
    valkey: ValkeyServer,
    postgres: PostgresServer,
    fresh_database: str,
    topic_prefix: str,
    tmp_path: Path,
) -> AsyncIterator[System]:
    await empty_valkey(valkey)
    endpoints = Endpoints(valkey.url, fresh_database, secure.endpoint)
    async with System.on(FreshStack(valkey, postgres, secure, endpoints, topic_prefix), tmp_path) as one:
        await secure.grant(documented_grants(one.settings.kafka))
        yield one


def access(secure: SecureKafka, user: str) -> Any:
    """The settings with which `user` gets in."""
    return {
        "METERING_KAFKA__BOOTSTRAP": secure.secure_endpoint,
        "METERING_KAFKA__TLS": "true",
        "METERING_KAFKA__CA_FILE": str(CA_FILE),
        "METERING_KAFKA__USER": user,
        "METERING_KAFKA__PASSWORD": f"{user}-secret",
    }


def client_of(secure: SecureKafka, user: str, **changed: Any) -> dict[str, Any]:
    given = {"tls": True, "ca_file": str(CA_FILE), "user": user, "password": f"{user}-secret", **changed}
    return KafkaSettings(bootstrap=secure.secure_endpoint, **given).client_options()


async def test_each_part_works_with_its_documented_rights(system: System, secure: SecureKafka) -> None:
    system.start_checkpointer(**access(secure, "checkpointer"))
    system.start_worker(**access(secure, "worker"))
    names = [f"customer-{n}" for n in range(6)]
    lines = "\n".join(value.decode() for name in names for _, value in opening(name, 1_000_000))
    (system.directory / "commands.jsonl").write_text(lines)
    (system.directory / "events.jsonl").write_text(
        "\n".join(text(name, f"{name}-1", AMERICA)[1].decode() for name in names)
    )

    run_plain(system, "command", str(system.directory / "commands.jsonl"), **access(secure, "operator"))
    run(system, "send", "--file", str(system.directory / "events.jsonl"), **access(secure, "pipeline"))
    await system.settled()

    await prove(system, dict.fromkeys(names, Totals(990_000)))
    assert run(system, "reconcile", **access(secure, "auditor"))["drift"] == 0
    assert run(system, "ledger", "verify", "--topic", **access(secure, "auditor"))["faults"] == 0
    assert run(system, "replay", **access(secure, "auditor"))["differing"] == 0
    assert run(system, "bucket", "status", **access(secure, "auditor"))["buckets"]

    await system.send_to([(0, "customer-0", b"{broken")])
    await system.settled()
    operator = access(secure, "operator")
    again = run(system, "dead-letters", "retry", "--all-matching", "--yes", "--actor", "ops", **operator)
    assert again["retried"] == 1
    await system.reached(lambda: run(system, "dead-letters", "list", **operator)["open"] == 1, "it is read again")
    assert run(system, "dead-letters", "list", **access(secure, "auditor"))["open"] == 1


MAY_WRITE = {
    "pipeline": {"usage"},
    "operator": {"usage", "commands", "rates", "dead-letters"},
    "worker": {
        "usage", "commands", "ledger", "decisions", "answers", "alerts", "blocked-senders", "dead-letters",
    },
    "checkpointer": set(),
    "auditor": set(),
    "stranger": set(),
}  # fmt: skip


async def test_nobody_writes_what_is_not_theirs(system: System, secure: SecureKafka) -> None:
    customer, value = command("acme", "c1", "open_customer")
    for user, allowed in MAY_WRITE.items():
        async with AIOKafkaProducer(**client_of(secure, user), request_timeout_ms=5_000) as producer:
            for topic in TOPICS:
                try:
                    await producer.send_and_wait(system.topic(topic), value, key=customer.encode())
                    may = True
                except TopicAuthorizationFailedError:
                    may = False
                assert may == (topic in allowed), f"{user} on {topic}"


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"ca_file": None}])
async def test_who_is_not_known_and_a_broker_that_is_not_known_come_to_nothing(
    secure: SecureKafka, changed: dict[str, Any]
) -> None:
    producer = AIOKafkaProducer(**client_of(secure, "pipeline", **changed), request_timeout_ms=5_000)
    with pytest.raises(KafkaError):
        await producer.start()
    await producer.stop()
