"""Prices the usage of the last hours by two versions of the rates. Leaves printing to the CLI."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing

from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.usage import ChargedInput, charged_usage
from metering.contracts.topics import Topic
from metering.rating import Catalog
from metering.rating.repricing import Repriced, Repricing, Usage
from metering.settings import Settings
from metering.worker.decoding import UsageInput, decode_usage
from metering.worker.event_inputs import numbers_of, request_of
from metering.worker.event_kinds import EVENT_KINDS, Role
from metering.worker.kafka import Kafka
from metering.worker.partition_reader import RecordsByOffset, open_partition

_ROLES = (Role.SUBMIT, Role.RECEIVED, Role.RECORD, Role.END)
# A call is counted when it has ended, by the seconds that it took.
EVENT_TYPES = tuple(name for name, kind in EVENT_KINDS.items() if kind.role in _ROLES and name != "voice.started")
_ANY_AGE_MS = 2**53


class UsageReport(Struct):
    """What customers would have paid. `inputs` were charged in the books; `gone` of them their topic no longer has.

    `unpriced` carried an amount of their own, which no rates change.
    """

    inputs: int = 0
    gone: int = 0
    unpriced: int = 0
    customers: list[Repriced] = []


async def reprice_usage(
    settings: Settings, old: Catalog, new: Catalog, since_ms: int, shift_ms: int = 0
) -> UsageReport:
    """Price what the books charged since `since_ms` by both catalogs, and add up by customer. Reads only.

    The books say which events count, the topic `usage` what they were, so events older than it keeps (7 days) are
    `gone`. Memory grows with customers, not with events. Raises `Retryable` when a server does not answer.
    """
    repricing = Repricing(old, new, shift_ms)
    report = UsageReport()
    kafka = Kafka(settings.kafka)
    database = Database(settings.postgres.dsn, command_seconds_max=None)
    try:
        async with aclosing(charged_usage(database, since_ms, EVENT_TYPES)) as charged, AsyncExitStack() as stack:
            bucket: int | None = None
            records: RecordsByOffset | None = None
            async for one in charged:
                if records is None or one.bucket != bucket:
                    bucket = one.bucket
                    await stack.aclose()
                    reader = await stack.enter_async_context(open_partition(kafka, Topic.USAGE, bucket, one.offset))
                    records = RecordsByOffset(reader)
                report.inputs += 1
                record = await records.at(one.offset)
                if record is None:
                    report.gone += 1
                    continue
                usage = decode_usage(record.value, record.timestamp, _ANY_AGE_MS)
                if not isinstance(usage, UsageInput) or usage.event.data.amount_micros is not None:
                    report.unpriced += 1
                    continue
                _add(repricing, one, usage)
    finally:
        await database.close()
    report.customers = repricing.totals
    return report


def _add(repricing: Repricing, one: ChargedInput, usage: UsageInput) -> None:
    # It was charged, so its numbers could be read.
    request = request_of(usage, numbers_of(usage.event.data, one.country))
    repricing.add(Usage(one.customer, one.plan, request))
