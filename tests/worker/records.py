"""Records as the broker hands them out, and what to put into them. Leaves what becomes of them to the tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord

NOW_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z, the moment at which these tests take place."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

CREATE_TIME = 0
LOG_APPEND_TIME = 1


def time_of(moment_ms: int) -> str:
    """A moment as CloudEvents write it."""
    return datetime.fromtimestamp(moment_ms / 1_000, UTC).isoformat()


def usage_event(event_id: str = "e-1", *, type: str = "sms.submitted", at_ms: int = NOW_MS, **data: Any) -> bytes:  # noqa: A002  the attribute's name
    """A usage event with a customer, a recipient and a size unless `data` says otherwise; None leaves a field out."""
    fields = {"customer": "acme", "to": "+34600000001", "segments": 1} | data
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/gateway",
        "type": type,
        "time": time_of(at_ms),
        "data": {name: value for name, value in fields.items() if value is not None},
    }
    return json.dumps(event).encode()


def command(type: str, command_id: str = "c-1", **fields: Any) -> bytes:  # noqa: A002  the field's name
    """A command of customer acme unless `fields` say otherwise."""
    return json.dumps({"type": type, "id": command_id, "customer": "acme", "actor": "tests"} | fields).encode()


def record(
    value: bytes | None,
    offset: int = 0,
    *,
    timestamp: int = NOW_MS,
    timestamp_type: int = LOG_APPEND_TIME,
    topic: str = "usage",
    headers: tuple[tuple[str, bytes], ...] = (),
) -> ConsumerRecord[bytes, bytes]:
    """One record of partition 0."""
    return ConsumerRecord(
        topic=topic,
        partition=0,
        offset=offset,
        timestamp=timestamp,
        timestamp_type=timestamp_type,
        key=b"acme",
        value=value,
        checksum=None,
        serialized_key_size=4,
        serialized_value_size=len(value or b""),
        headers=headers,
    )
