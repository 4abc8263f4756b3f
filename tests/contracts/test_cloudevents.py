"""The CloudEvents SDK accepts what is written here, and what it writes is accepted here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, strategies as st

from metering.cli.demonstration.traffic import generate
from metering.contracts.alerts import Alert, AlertData
from metering.contracts.events import UsageEvent
from metering.contracts.reasons import AlertType, BlockLevel

ENDS_AT_MS = 1_790_000_000_000
SDK = JSONFormat()


def test_sdk_accepts_the_traffic_of_the_demo() -> None:
    for line in generate(3, 2_000, 10, ENDS_AT_MS):
        read = SDK.read(CloudEvent, line)
        decoded = msgspec.json.decode(line, type=UsageEvent)
        assert (read.get_id(), read.get_source(), read.get_type()) == (decoded.id, decoded.source, decoded.type)
        assert read.get_specversion() == "1.0"
        assert decoded.time == read.get_time()
        assert read.get_data() == json.loads(line)["data"]


@pytest.mark.parametrize("alert_type", AlertType)
def test_sdk_accepts_an_alert(alert_type: AlertType) -> None:
    alert = Alert(
        id="3-7-1",
        source="/metering/buckets/3",
        type=alert_type,
        time="2026-03-01T12:00:00.123Z",
        subject="Bäckerei Ünal 🥐",
        data=AlertData(customer="Bäckerei Ünal 🥐", level=BlockLevel.SENDER, id="BÄCKER", entry="3-7"),
    )
    read = SDK.read(CloudEvent, alert.encode())
    assert (read.get_id(), read.get_type(), read.get_subject()) == ("3-7-1", alert_type.value, "Bäckerei Ünal 🥐")
    assert read.get_datacontenttype() == "application/json"
    assert read.get_data() == {
        "customer": "Bäckerei Ünal 🥐",
        "level": "sender",
        "id": "BÄCKER",
        "entry": "3-7",
    }


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60)


@given(
    names,
    names,
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  bounds are naive
    st.text(st.characters(codec="utf-8"), max_size=200),
)
def test_what_the_sdk_writes_is_accepted(event_id: str, source: str, time: datetime, text: str) -> None:
    data: dict[str, Any] = {"customer": "acme", "to": "+34600000001", "text": text}
    attributes = {
        "id": event_id,
        "source": source,
        "type": "sms.submitted",
        "time": time,
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "subject": "acme",
        "traceparent": "00-1-2-01",
    }
    decoded = msgspec.json.decode(SDK.write(CloudEvent(attributes, data)), type=UsageEvent)
    assert (decoded.id, decoded.source, decoded.time) == (event_id, source, time)
    assert (decoded.data.customer, decoded.data.text, decoded.subject) == ("acme", text, "acme")
