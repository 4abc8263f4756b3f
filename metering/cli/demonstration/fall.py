"""One customer of the demo runs low, runs out, and is topped up: the alerts that this must bring, in their order."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from msgspec import Struct

from metering.cli.demonstration.alerts import AlertWatch
from metering.cli.demonstration.customers import command_all
from metering.cli.kafka import find_partitions, open_producer, open_reader, topic_name
from metering.contracts.alerts import Alert
from metering.contracts.decisions import Answer
from metering.contracts.partitioning import partition_of
from metering.contracts.topics import Topic
from metering.errors import Fatal
from metering.settings import KafkaSettings

CUSTOMER = "corner-bakery"
SENDER = "BAKERY"
TO = "+34600000001"
FIRST_MICROS = 1_000_000
LEVEL_MICROS = 400_000
REARM_MICROS = 500_000
SECOND_MICROS = 5_000_000

TEXTS_MAX = 300
"""At any price of a real deck the first top-up is spent well before."""
ANSWER_SECONDS_MAX = 30.0

EXPECTED = ("credit.low", "sender.blocked", "credit.recovered", "sender.unblocked")

_decode_answer = msgspec.json.Decoder(Answer).decode


class Fall(Struct, frozen=True):
    """What was seen. `events` were published for it, and `commands` carried out."""

    customer: str
    allowed: int
    denied: int
    events: int
    commands: int
    alerts: tuple[Alert, ...]


async def let_customer_fall(kafka: KafkaSettings, watch: AlertWatch) -> Fall:
    """Send texts until one is denied, top up, send one more. Raises `Fatal` where an answer or alert stays out."""
    await command_all(kafka, [_open(), _top_up(FIRST_MICROS, "first"), _rule()])
    async with open_reader(kafka, Topic.ANSWERS) as reader, open_producer(kafka) as producer:
        pipeline = await _Pipeline.start(kafka, reader, producer)
        while await pipeline.send_text():
            if pipeline.allowed > TEXTS_MAX:
                raise Fatal(f"{CUSTOMER} sent {TEXTS_MAX} texts from {FIRST_MICROS} micro-units and was never denied")
        await watch.wait_for(CUSTOMER, "sender.blocked", ANSWER_SECONDS_MAX)
        await command_all(kafka, [_top_up(SECOND_MICROS, "second")])
        await watch.wait_for(CUSTOMER, "sender.unblocked", ANSWER_SECONDS_MAX)
        if not await pipeline.send_text():
            raise Fatal(f"{CUSTOMER} was topped up and is still denied")
    return Fall(CUSTOMER, pipeline.allowed, pipeline.denied, pipeline.events, 4, tuple(watch.of(CUSTOMER)))


class _Pipeline:
    """A gateway that asks before it sends, and tells what became of what went out."""

    def __init__(self, reader: AIOKafkaConsumer, producer: AIOKafkaProducer, topic: str, partition: int) -> None:
        self._reader = reader
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self.allowed = self.denied = self.events = 0

    @classmethod
    async def start(cls, kafka: KafkaSettings, reader: AIOKafkaConsumer, producer: AIOKafkaProducer) -> _Pipeline:
        topic = topic_name(kafka, Topic.USAGE)
        partitions = len(await find_partitions(producer.client, topic))
        return cls(reader, producer, topic, partition_of(CUSTOMER, partitions))

    async def send_text(self) -> bool:
        """Ask for one text; when it is allowed, it is delivered at once. Return whether it was."""
        number = self.allowed + self.denied + 1
        name = f"bakery-{number:03d}"
        text = "Fresh from the oven 🥐🥖 today at noon!"
        data = {"sender": SENDER, "to": TO, "text": text, "charge_id": name, "reply_to": name}
        await self._publish("sms.submitted", f"{name}-1", data)
        answer = await self._wait_for_answer(name)
        if answer.outcome != "allowed":
            self.denied += 1
            return False
        self.allowed += 1
        for step, outcome in enumerate(("sent", "delivered"), 2):
            await self._publish(f"sms.{outcome}", f"{name}-{step}", {"charge_id": name})
        return True

    async def _publish(self, event_type: str, event_id: str, data: dict[str, Any]) -> None:
        now = datetime.fromtimestamp(time.time_ns() // 1_000_000_000, UTC)
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": "/demo/bakery",
            "type": event_type,
            "time": now.isoformat(),
            "data": {"customer": CUSTOMER, **data},
        }
        await self._producer.send_and_wait(
            self._topic, msgspec.json.encode(event), key=CUSTOMER.encode(), partition=self._partition
        )
        self.events += 1

    async def _wait_for_answer(self, reply_to: str) -> Answer:
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            for records in (await self._reader.getmany(timeout_ms=100)).values():
                for record in records:
                    answer = _decode_answer(record.value)
                    if answer.reply_to == reply_to:
                        return answer
        raise Fatal(f"no answer to {reply_to} within {ANSWER_SECONDS_MAX:.0f} s")


def check_fall(fall: Fall) -> list[str]:
    """Return what is not as it must be."""
    came = tuple(alert.type.value for alert in fall.alerts)
    return [] if came == EXPECTED else [f"{fall.customer} had the alerts {', '.join(came)}, not {', '.join(EXPECTED)}"]


def _open() -> bytes:
    return _encode({"type": "open_customer", "id": "bakery-open"})


def _rule() -> bytes:
    return _encode(
        {"type": "set_alert", "id": "bakery-rule", "level_micros": LEVEL_MICROS, "rearm_micros": REARM_MICROS}
    )


def _top_up(amount_micros: int, name: str) -> bytes:
    return _encode({"type": "top_up", "id": f"bakery-{name}", "amount_micros": amount_micros, "unit": "USD"})


def _encode(command: dict[str, Any]) -> bytes:
    return msgspec.json.encode({**command, "customer": CUSTOMER, "actor": "demo"})
