"""The topics: names, how many partitions, how they are cleaned up. Leaves creating them to the worker's admin."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Topic(StrEnum):
    """Every topic, without the configured prefix."""

    USAGE = "usage"
    COMMANDS = "commands"
    LEDGER = "ledger"
    DECISIONS = "decisions"
    ANSWERS = "answers"
    ALERTS = "alerts"
    BLOCKED_SENDERS = "blocked-senders"
    DEAD_LETTERS = "dead-letters"
    RATES = "rates"


DAY_MS = 86_400_000


class TopicPlan(Struct, frozen=True):
    """How a topic is laid out. `bucketed` topics have one partition a bucket, keyed by customer."""

    topic: Topic
    bucketed: bool
    config: dict[str, str]


TOPIC_PLANS: tuple[TopicPlan, ...] = (
    TopicPlan(
        Topic.USAGE,
        bucketed=True,
        # Seven days: a worker may be away for a long week-end, and replay has the inputs.
        config={"message.timestamp.type": "LogAppendTime", "retention.ms": str(7 * DAY_MS), "cleanup.policy": "delete"},
    ),
    TopicPlan(
        Topic.COMMANDS,
        bucketed=True,
        config={"message.timestamp.type": "LogAppendTime", "retention.ms": str(7 * DAY_MS), "cleanup.policy": "delete"},
    ),
    TopicPlan(
        # Never deleted before it is checkpointed: kept whole, and shortened by the operator when the books have it.
        Topic.LEDGER,
        bucketed=True,
        config={"message.timestamp.type": "LogAppendTime", "retention.ms": "-1", "cleanup.policy": "delete"},
    ),
    TopicPlan(Topic.DECISIONS, bucketed=True, config={"retention.ms": str(DAY_MS), "cleanup.policy": "delete"}),
    TopicPlan(Topic.ANSWERS, bucketed=False, config={"retention.ms": str(DAY_MS), "cleanup.policy": "delete"}),
    TopicPlan(Topic.ALERTS, bucketed=True, config={"retention.ms": str(7 * DAY_MS), "cleanup.policy": "delete"}),
    TopicPlan(Topic.BLOCKED_SENDERS, bucketed=True, config={"cleanup.policy": "compact"}),
    TopicPlan(
        # Dead letters carry the original in base64, a third longer than the record that was accepted.
        Topic.DEAD_LETTERS,
        bucketed=False,
        config={
            "retention.ms": str(30 * DAY_MS),
            "cleanup.policy": "delete",
            "max.message.bytes": str(4 * 1024 * 1024),
        },
    ),
    TopicPlan(
        # One partition: which of two versions comes after the other must be the same for every worker. Compacted, and
        # never deleted from: a bucket that is replayed from long ago is priced with the version of that time.
        Topic.RATES,
        bucketed=False,
        config={"message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact"},
    ),
)
