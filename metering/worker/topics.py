"""Creates the topics, and checks that they are as the ledger needs them. Leaves what they hold to the contracts."""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from metering.contracts.topics import TOPIC_PLANS, TopicPlan
from metering.errors import Fatal, Retryable, broker_away
from metering.settings import KafkaSettings

_CHECKED = ("cleanup.policy", "message.timestamp.type")
"""Settings without which the ledger's promises do not hold; retention is the operator's choice."""


WAIT_TRIES = 100
"""Ten seconds for a broker to list new topics; it takes about one."""


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Create the topics that are missing; return their names. Raises `Fatal`, `Retryable`.

    Interrupted, some exist: running it again creates the rest.
    """
    existing = await partition_counts(settings)
    missing = [plan for plan in TOPIC_PLANS if settings.topic_prefix + plan.topic not in existing]
    admin = AIOKafkaAdminClient(**settings.client_options())
    try:
        await admin.start()
        for plan in missing:
            await _create(admin, settings, plan)
        await _wait_known(settings)
    except (KafkaError, OSError) as error:
        raise Retryable(f"topics could not be created at {settings.bootstrap}: {error}") from error
    finally:
        await admin.close()
    return [settings.topic_prefix + plan.topic for plan in missing]


async def check_topics(settings: KafkaSettings) -> list[str]:
    """Return what is wrong with the topics, one line each; an empty list when all is well. Raises `Retryable`."""
    existing = await partition_counts(settings)
    problems = []
    counts: dict[int, list[str]] = {}
    for plan in TOPIC_PLANS:
        name = settings.topic_prefix + plan.topic
        if name not in existing:
            problems.append(f"{name}: there is no such topic; `metering topics create` makes it")
        elif plan.bucketed:
            counts.setdefault(existing[name], []).append(name)
    if len(counts) > 1:
        listed = "; ".join(f"{count}: {', '.join(names)}" for count, names in sorted(counts.items()))
        problems.append(f"the topics of the buckets must have one number of partitions, and have {listed}")
    problems += await _wrong_settings(settings, existing)
    return problems


async def bucket_count(settings: KafkaSettings) -> int:
    """Return the number of buckets; raises `Fatal` where the topics are not as they must be."""
    problems = await check_topics(settings)
    if problems:
        raise Fatal("; ".join(problems))
    return (await partition_counts(settings))[settings.topic_prefix + "usage"]


async def partition_counts(settings: KafkaSettings) -> dict[str, int]:
    """Return the partitions of every topic that exists. Raises `Retryable`."""
    client = AIOKafkaClient(**settings.client_options())
    try:
        await client.bootstrap()
        metadata = await client.fetch_all_metadata()
        return {topic: len(metadata.partitions_for_topic(topic) or ()) for topic in metadata.topics()}
    except (KafkaError, OSError) as error:
        raise broker_away(settings.bootstrap, error) from error
    finally:
        await client.close()


async def _wait_known(settings: KafkaSettings) -> None:
    """Wait until the brokers know every topic: their metadata follows a creation by a moment."""
    names = {settings.topic_prefix + plan.topic for plan in TOPIC_PLANS}
    for _ in range(WAIT_TRIES):
        if names <= (await partition_counts(settings)).keys():
            return
        await asyncio.sleep(0.1)
    raise Retryable("the topics were created, and the broker does not list them all yet")


async def _create(admin: AIOKafkaAdminClient, settings: KafkaSettings, plan: TopicPlan) -> None:
    name = settings.topic_prefix + plan.topic
    new = NewTopic(
        name,
        num_partitions=settings.partitions if plan.bucketed else 1,
        replication_factor=max(1, settings.replication_factor),
        topic_configs=plan.config,
    )
    # aiokafka's constructor refuses -1, which asks the broker for its own default.
    new.replication_factor = settings.replication_factor
    answer = await admin.create_topics([new])
    for _, code, *rest in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise Fatal(f"topic {name} could not be created: {error.__name__} {rest[0] if rest else ''}")


async def _wrong_settings(settings: KafkaSettings, existing: dict[str, int]) -> list[str]:
    """Compare the settings that matter; a broker that does not tell them is taken at its word."""
    plans = {settings.topic_prefix + plan.topic: plan for plan in TOPIC_PLANS}
    admin = AIOKafkaAdminClient(**settings.client_options())
    problems = []
    try:
        await admin.start()
        for name, plan in plans.items():
            if name not in existing:
                continue
            answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
            told = {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
            for key in _CHECKED:
                wanted = plan.config.get(key)
                if wanted and key in told and told[key] != wanted:
                    problems.append(f"{name}: {key} is {told[key]}, and must be {wanted}")
    except (KafkaError, OSError) as error:
        raise Retryable(f"the settings of the topics could not be read: {error}") from error
    finally:
        await admin.close()
    return problems
