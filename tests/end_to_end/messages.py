"""Events and commands as pipeline and operators send them, with the time of now. Leaves sending to `system`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.end_to_end.system import Record

SPAIN = "+34600000001"
"""Held at 50,000 micro-units a segment, charged when sent."""
AMERICA = "+12025550101"
"""10,000 a segment, charged when submitted."""
BRITAIN = "+447700900001"
"""40,000 a segment, charged when delivered; 10,000 for one that failed."""
GERMANY = "+491700000001"
"""Not rated."""
RUSSIA = "+79001112233"
"""Rejected by the deck."""


def event(customer: str, event_id: str, type: str, **data: Any) -> Record:  # noqa: A002  the attribute's name
    """A usage event of now."""
    body = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/tests",
        "type": type,
        "time": datetime.now(UTC).isoformat(),
        "data": {"customer": customer} | data,
    }
    return customer, json.dumps(body).encode()


def text(customer: str, event_id: str, to: str = SPAIN, segments: int = 1, **data: Any) -> Record:
    """A text that is submitted; its charge has the event's id."""
    return event(customer, event_id, "sms.submitted", to=to, segments=segments, charge_id=event_id, **data)


def outcome(customer: str, event_id: str, charge_id: str, verb: str = "sent", **data: Any) -> Record:
    """What became of a text."""
    return event(customer, event_id, f"sms.{verb}", charge_id=charge_id, **data)


def command(customer: str, command_id: str, type: str, **fields: Any) -> Record:  # noqa: A002  the field's name
    """A command of an operator."""
    body = {"type": type, "id": command_id, "customer": customer, "actor": "operator", **fields}
    return customer, json.dumps(body).encode()


def opening(customer: str, micros: int, **fields: Any) -> list[Record]:
    """A customer who is opened with some credit."""
    return [
        command(customer, f"open-{customer}", "open_customer", **fields),
        command(customer, f"credit-{customer}", "top_up", amount_micros=micros, unit="USD"),
    ]
