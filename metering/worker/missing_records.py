"""Notices that records were deleted from an input topic before their bucket had read them.

Leaves stopping to `bucket`, and deciding to the operator.
"""

from __future__ import annotations

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from metering.contracts.dead_letters import DeadLetter
from metering.contracts.entries import Position
from metering.contracts.reasons import DeadLetterReason
from metering.errors import BrokenInvariant, NeedsOperator, Retryable
from metering.ledger.standstill import Acceptance, MissingRecords, Standstill
from metering.worker.chunking import TakenChunk
from metering.worker.merging import INPUT_TOPICS
from metering.worker.outputs import dead_letter
from metering.worker.parts import Parts


class RecordsMissing(NeedsOperator):
    """Inputs that nobody has read are gone: going on would lose them in silence."""

    def __init__(self, missing: tuple[MissingRecords, ...]) -> None:
        named = " and ".join(f"{one.topic} {one.first} to {one.next - 1} ({one.next - one.first})" for one in missing)
        super().__init__(
            "records_missing",
            f"the topics begin after what was read last: offsets of {named} were deleted before they were read, by the"
            " topic's retention or by hand. Whoever wrote them must be asked to send them again. To go on without them:"
            " `metering bucket resume N --accept-missing --actor … --why …`, which leaves a dead letter `removed`",
        )
        self.missing = missing


async def find_missing(
    parts: Parts, bucket: int, position: Position, *, look_at_end: bool
) -> tuple[MissingRecords, ...]:
    """Return which offsets from the position on are gone. What is missing may include the markers of transactions.

    With `look_at_end` the position must not lie beyond it, either: `BrokenInvariant`. (Asked only when the broker has
    refused the position: the embedded one does not tell its ends right.) Raises `Retryable`.
    """
    partitions = {topic: TopicPartition(parts.kafka.topic(topic), bucket) for topic in INPUT_TOPICS}
    try:
        beginnings = await parts.consumer.beginning_offsets(list(partitions.values()))
        ends = await parts.consumer.end_offsets(list(partitions.values())) if look_at_end else {}
    except (KafkaError, OSError) as error:
        raise Retryable(f"where the input topics of bucket {bucket} begin could not be read: {error}") from error
    missing = []
    for topic, partition in partitions.items():
        offset = position.usage if topic == "usage" else position.commands
        if offset > ends.get(partition, offset):
            raise BrokenInvariant(
                f"{partition.topic}[{bucket}] ends at offset {ends[partition]}, and was read up to {offset} before: it"
                " has lost records, or is another topic"
            )
        if beginnings[partition] > offset:
            missing.append(MissingRecords(topic, offset, beginnings[partition]))
    return tuple(missing)


def skip_missing(
    bucket: int, start: Position, missing: tuple[MissingRecords, ...], standing: Standstill | None, now_ms: int
) -> TakenChunk | None:
    """Return the chunk that moves a position past what is missing, with a dead letter for each gap; None: nothing is.

    Raises `RecordsMissing` unless an operator has accepted exactly these gaps: retention may have gone on since.
    """
    if not missing:
        return None
    if standing is None or standing.accepted is None or standing.missing != missing:
        raise RecordsMissing(missing)
    after = {one.topic: one.next for one in missing}
    end = Position(after.get("usage", start.usage), after.get("commands", start.commands))
    sides = [dead_letter(_letter(bucket, one, standing.accepted, now_ms)) for one in missing]
    return TakenChunk(start, end, [], sides, 0, [(one.topic, DeadLetterReason.REMOVED) for one in missing])


def _letter(bucket: int, missing: MissingRecords, accepted: Acceptance, now_ms: int) -> DeadLetter:
    """Return what stays of a gap. Its key is that of the first record that is missing: no record has the same."""
    return DeadLetter(
        reason=DeadLetterReason.REMOVED,
        detail=f"offsets {missing.first} to {missing.next - 1} ({missing.next - missing.first}) were deleted before"
        f" they were read; {accepted.actor} let the bucket go on: {accepted.reason}",
        topic=missing.topic,
        partition=bucket,
        offset=missing.first,
        timestamp_ms=now_ms,
    )
