"""Sends dead letters again, or drops them, and writes down what was done. Leaves choosing them to the command."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec import Struct, field

from metering.cli.dead_letters_original import place_of, why_not_retried
from metering.cli.dead_letters_reading import Known
from metering.cli.kafka import count_buckets, open_producer, topic_name
from metering.contracts.dead_letters import RETRY_OF, DeadLetterResolution, Resolution, letter_key
from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.ledger.till import Windows
from metering.settings import Settings
from metering.worker.producers import Delivery

PROBLEMS_MAX = 20


class Outcome(Struct):
    """What `retry` or `drop` did, as `--json` prints it."""

    matching: int = 0
    retried: int = 0
    dropped: int = 0
    left: dict[str, int] = field(default_factory=dict)
    """How many stay as they were, by why: `too_old`, `nothing_to_send`, `refused` (by the broker)."""
    problems: list[str] = field(default_factory=list)
    """The first of them, by key."""

    def leave(self, key: str, why: str, detail: str = "") -> None:
        """Note one that stays as it was."""
        self.left[why] = self.left.get(why, 0) + 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(f"{key}: {detail or why}")


async def retry(settings: Settings, pages: Iterable[Sequence[Known]], actor: str, reason: str | None) -> Outcome:
    """Send the originals again, each to its topic and its customer's partition, and note that it was done.

    Page by page: 1. Send, acknowledged. 2. Note it in `dead-letters`, acknowledged. Interrupted between the two, those
    of one page are open still and will be sent again by the next run; the ledger knows a repeat by the id of its event
    or command, and answers `duplicate`. For that reason none is sent that is older than what the ledger remembers.
    What still cannot be understood becomes another dead letter, which names the first.

    Raises `Retryable` when the broker does not answer: run it again.
    """
    outcome = Outcome()
    partitions, windows = await count_buckets(settings.kafka), Windows.of(settings.ledger)
    async with open_producer(settings.kafka) as producer:
        for page in pages:
            now_ms = time.time_ns() // 1_000_000
            sent = []
            for known in page:
                outcome.matching += 1
                if why := why_not_retried(known.letter, windows, now_ms):
                    outcome.leave(known.key, why)
                else:
                    sent.append((known, await _send_again(settings, producer, known, partitions)))
            notes = []
            for known, delivery in sent:
                try:
                    record = await delivery
                except KafkaError as error:
                    outcome.leave(known.key, "refused", str(error))
                    continue
                where = letter_key(known.letter.topic, record.partition, record.offset)
                notes.append((known, _resolved(Resolution.RETRIED, actor, reason, where)))
            await _note(settings, producer, notes)
            outcome.retried += len(notes)
    return outcome


async def drop(settings: Settings, pages: Iterable[Sequence[Known]], actor: str, reason: str) -> Outcome:
    """Note that nothing is to come of these dead letters, by whom and why. What they hold stays in the topic as it is.

    Interrupted, the first pages are dropped and the rest are open: run it again. Raises `Retryable` likewise.
    """
    outcome = Outcome()
    async with open_producer(settings.kafka) as producer:
        for page in pages:
            outcome.matching += len(page)
            notes = [(known, _resolved(Resolution.DROPPED, actor, reason)) for known in page]
            await _note(settings, producer, notes)
            outcome.dropped += len(page)
    return outcome


async def _send_again(settings: Settings, producer: AIOKafkaProducer, known: Known, partitions: int) -> Delivery:
    letter = known.letter
    partition, key = place_of(letter, partitions)
    headers = [(RETRY_OF, known.key.encode())]
    topic = topic_name(settings.kafka, Topic(letter.topic))
    try:
        delivery: Delivery = await producer.send(topic, letter.value, key, partition, headers=headers)
    except KafkaError as error:
        raise Retryable(f"{known.key} could not be sent: {error}; what was not is open still") from error
    return delivery


async def _note(
    settings: Settings, producer: AIOKafkaProducer, notes: Sequence[tuple[Known, DeadLetterResolution]]
) -> None:
    name = topic_name(settings.kafka, Topic.DEAD_LETTERS)
    try:
        deliveries = [
            await producer.send(name, msgspec.json.encode(resolution), known.key.encode(), 0)
            for known, resolution in notes
        ]
        for delivery in deliveries:
            await delivery
    except KafkaError as error:
        raise Retryable(f"what was done could not be written down: {error}; run it again") from error


def _resolved(
    resolution: Resolution, actor: str, reason: str | None, sent_to: str | None = None
) -> DeadLetterResolution:
    at_ms = time.time_ns() // 1_000_000
    return DeadLetterResolution(resolution=resolution, actor=actor, reason=reason, at_ms=at_ms, sent_to=sent_to)
