"""Prices the usage of the last hours by two versions of the rates. Leaves printing to the CLI."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing

import msgspec
from msgspec import Struct

from metering.checkpoint.database import Database
from metering.checkpoint.usage import ChargedInput, charged_usage
from metering.contracts.topics import Topic
from metering.rating import Catalog, PriceRequest
from metering.rating.repricing import Repriced, Repricing, Usage
from metering.settings import Settings
from metering.worker.decoding import UsageInput, decode_usage
from metering.worker.event_inputs import request_of
from metering.worker.event_kinds import EVENT_KINDS, Role
from metering.worker.event_numbers import numbers_of
from metering.worker.kafka import Kafka
from metering.worker.partition_reader import RecordsByOffset, open_partition

_ROLES = (Role.SUBMIT, Role.RECEIVED, Role.RECORD, Role.END)
EVENT_TYPES = tuple(name for name, kind in EVENT_KINDS.items() if kind.role in _ROLES)
_ANY_AGE_MS = 2**53


class UsageReport(Struct):
    """What customers would have paid for `inputs`, which were charged in the books.

    Of them `gone` can no longer be read: their topic does not keep them, or they end a call that began before the time
    looked at. `unpriced` carried an amount of their own, which no rates change.
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
    `gone`. Memory grows with customers and with calls that go on at the same time, not with events. Raises `Retryable`
    when a server does not answer.
    """
    repricing = Repricing(old, new, shift_ms)
    report = UsageReport()
    requests = _Requests()
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
                record = await records.at(one.offset)
                usage = decode_usage(record.value, record.timestamp, _ANY_AGE_MS) if record is not None else None
                if one.event_type == "voice.started":
                    if isinstance(usage, UsageInput):
                        requests.begin_call(one, usage)
                    continue
                report.inputs += 1
                if isinstance(usage, UsageInput) and usage.event.data.amount_micros is not None:
                    report.unpriced += 1
                    continue
                request = requests.of(one, usage) if isinstance(usage, UsageInput) else None
                if request is None:
                    report.gone += 1
                    continue
                repricing.add(Usage(one.customer, one.plan, request))
    finally:
        await database.close()
    report.customers = repricing.totals
    return report


class _Requests:
    """Makes requests of events; a call is one, of its beginning with the seconds of its end."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str | None], PriceRequest] = {}

    def begin_call(self, one: ChargedInput, usage: UsageInput) -> None:
        """Remember where a call went and when it began, until its end comes; the books say that it does."""
        self._calls[one.customer, one.charge_id] = request_of(usage, numbers_of(usage.event.data, one.country))

    def of(self, one: ChargedInput, usage: UsageInput) -> PriceRequest | None:
        """Return what an event asked; None for the end of a call whose beginning is not there to say where it went."""
        if usage.kind.role is Role.END:
            began = self._calls.pop((one.customer, one.charge_id), None)
            if began is not None:
                return msgspec.structs.replace(began, seconds=usage.event.data.seconds)
            if usage.event.data.to is None:
                return None
        # It was charged, so its numbers could be read.
        return request_of(usage, numbers_of(usage.event.data, one.country))
