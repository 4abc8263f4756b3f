"""Topics and schema on servers that have just started. Leaves starting them to `embedded`."""

from __future__ import annotations

import asyncio

from metering.checkpoint.schema import migrate
from metering.embedded.stack import Stack
from metering.settings import KafkaSettings, PostgresSettings, RedisSettings, Settings
from metering.worker.topics import create_topics


async def prepare(stack: Stack, settings: Settings, partitions: int | None = None) -> Settings:
    """Make topics and schema on a started stack, and return `settings` pointed at it. Repeating it changes nothing."""
    kafka = KafkaSettings(
        **settings.kafka.model_dump(exclude={"bootstrap", "partitions"}),
        bootstrap=stack.kafka_bootstrap,
        partitions=partitions or settings.kafka.partitions,
    )
    pointed = settings.with_section(
        kafka=kafka, redis=RedisSettings(url=stack.redis_url), postgres=PostgresSettings(dsn=stack.postgres_dsn)
    )
    await asyncio.gather(create_topics(kafka), migrate(stack.postgres_dsn))
    return pointed
