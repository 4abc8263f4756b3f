"""Reads the month (month.yaml) and tells it step by step. Leaves how it reads to `page`, every number to the ledger.

A step has `at` (the customer's clock), `text`, and one of `command` (its fields), `events` (each its `type` and data)
or nothing, when only time goes by. In an event `characters: n` stands for a text of that length, and
`people: [first, last]` for their numbers as recipients.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

from metering.contracts.entries import LedgerEntry
from scripts.worked_example.bucket import Bucket
from scripts.worked_example.page import ZONE, Page

MONTH = Path(__file__).with_name("month.yaml")
TEXT = "Your table is booked for tonight at eight. "


async def tell(bucket: Bucket, page: Page) -> None:
    """Send every step to the bucket, and put what came of it on the page."""
    for step in yaml.safe_load(MONTH.read_text(encoding="utf-8")):
        at = datetime.strptime(step["at"], "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
        page.section(at, step["text"].strip(), await _entries(bucket, at, step))


async def _entries(bucket: Bucket, at: datetime, step: Mapping[str, Any]) -> list[LedgerEntry]:
    if "command" in step:
        return await bucket.command(at, **step["command"])
    entries: list[LedgerEntry] = []
    for event in step.get("events", ()):
        entries += await bucket.event(at, **_event(event))
    return entries if "events" in step else await bucket.tick(at)


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(event)
    if length := fields.pop("characters", None):
        fields["text"] = "".join(islice(cycle(TEXT), length))
    if people := fields.pop("people", None):
        fields["recipients"] = [f"+1212555{n:04}" for n in range(people[0], people[1] + 1)]
    return fields
