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


def _plan(topic: Topic, *, bucketed: bool, config: dict[str, str]) -> TopicPlan:
    """Return a topic's plan, with what all have: the log stamps their records.

    A producer's clock may be wrong, and a broker refuses stamps that are far ahead of its own.
    """
    return TopicPlan(topic, bucketed, {"message.timestamp.type": "LogAppendTime", **config})


TOPIC_PLANS: tuple[TopicPlan, ...] = (
    _plan(
        Topic.USAGE,
        bucketed=True,
        # Seven days: a worker may be away for a long week-end, and replay has the inputs.
        config={"retention.ms": str(7 * DAY_MS), "cleanup.policy": "delete"},
    ),
    _plan(
        Topic.COMMANDS,
        bucketed=True,
        config={"retention.ms": str(7 * DAY_MS), "cleanup.policy": "delete"},
    ),
    _plan(
        # Never deleted before it is checkpointed: kept whole, and shortened by the operator when the books have it.
        Topic.LEDGER,
        bucketed=True,
        config={"retention.ms": "-1", "cleanup.policy": "delete"},
    ),
    _plan(
        Topic.DECISIONS,
        bucketed=True,
        config={"retention.ms": str(DAY_MS), "cleanup.policy": "delete"},
    ),
    _plan(
        Topic.ANSWERS,
        bucketed=False,
        config={"retention.ms": str(DAY_MS), "cleanup.policy": "delete"},
    ),
    _plan(
        Topic.ALERTS,
        bucketed=True,
        config={"retention.ms": str(7 * DAY_MS), "cleanup.policy": "delete"},
    ),
    _plan(Topic.BLOCKED_SENDERS, bucketed=True, config={"cleanup.policy": "compact"}),
    _plan(
        # Dead letters carry the original in base64, a third longer than the record that was accepted.
        Topic.DEAD_LETTERS,
        bucketed=False,
        config={
            "retention.ms": str(30 * DAY_MS),
            "cleanup.policy": "delete",
            "max.message.bytes": str(4 * 1024 * 1024),
        },
    ),
    _plan(
        # One partition: which of two versions comes after the other must be the same for every worker. Compacted, and
        # never deleted from: a bucket that is replayed from long ago is priced with the version of that time.
        Topic.RATES,
        bucketed=False,
        config={"cleanup.policy": "compact"},
    ),
)
