"""The schemas are what the code decodes: never stale, and of one mind with msgspec about samples."""

from __future__ import annotations

import copy
import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from metering.contracts import alerts, commands, dead_letters, decisions, entries, rates
from metering.contracts.events import EventType, UsageData, UsageEvent
from metering.contracts.field_rules import EVERY_TYPE_MAY, FIELD_RULES
from metering.contracts.reasons import AlertType, BlockLevel, DeadLetterReason, Kind, Reason
from metering.contracts.schemas import (
    CONTRACTS,
    EVENTS_DOCUMENT,
    SCHEMA_DIRECTORY,
    build_schemas,
    render_events,
    render_schema,
)
from metering.worker.event_kinds import EVENT_KINDS, missing_field

ROOT = Path(__file__).parents[2]
BALANCE = entries.Balance(available_micros=10**14 + 1, held_micros=0, overdrawn_micros=0)
BLOCK = entries.BlockChange(
    BlockLevel.SENDER, "ACME", blocked=True, changed=True, reason=Reason.MANUAL, causes=(Reason.MANUAL,)
)
STALE = "run: python -m metering.contracts.schemas"

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "m-1",
    "source": "/gateway/eu-1",
    "type": "sms.submitted",
    "time": "2026-03-01T12:00:00.123Z",
    "data": {"customer": "acme", "to": "+34600000001", "text": "¡Hola! 😀", "charge_id": "m-1", "sender": "ACME"},
}

SAMPLES: dict[str, list[Any]] = {
    "usage-event": [EVENT],
    "command": [
        {"type": "open_customer", "id": "c1", "customer": "acme", "actor": "op"},
        commands.TopUp(id="c2", customer="acme", actor="op", amount_micros=2**53 - 1, unit="USD", reply_to="cli-1"),
        commands.SetAlert(id="c3", customer="acme", actor="op", level_micros=-5, rearm_micros=5),
        commands.Tick(due_at_ms=1),
    ],
    "ledger-entry": [
        entries.LedgerEntry(
            id="3-7",
            bucket=3,
            seq=7,
            chunk="a",
            prev_chunk="b",
            position=entries.Position(1, 2),
            kind=Kind.BLOCKED,
            customer="acme",
            after=BALANCE,
            lots=(entries.LotChange("3-6", 1, 0, 1, 0),),
            blocks=(BLOCK,),
            rates=[{"deck": "world-sms"}],
            applied_at_ms=1,
            input=entries.InputReference("commands", 3, 1),
        )
    ],
    "decision": [
        decisions.Decision(
            id="d1",
            source="/gateway",
            event_id="m-1",
            customer="acme",
            outcome="denied",
            reason=Reason.INSUFFICIENT_CREDIT,
            entry="3-7",
            applied_at_ms=1,
        )
    ],
    "answer": [
        decisions.Answer(id="c1", type="top_up", customer="acme", outcome="done", after=BALANCE, entry="3-7"),
    ],
    "alert": [
        alerts.Alert(
            id="3-7-1",
            source="/metering/buckets/3",
            type=AlertType.CREDIT_LOW,
            time="2026-03-01T12:00:00.123Z",
            subject="acme",
            data=alerts.AlertData(customer="acme", entry="3-7"),
        )
    ],
    "block-record": [
        alerts.BlockRecord(
            customer="acme",
            level=BlockLevel.WALLET,
            id="main",
            reason="manual",
            causes=(Reason.MANUAL,),
            since_ms=1,
            entry="3-7",
        )
    ],
    "dead-letter": [
        dead_letters.DeadLetter(
            reason=DeadLetterReason.NOT_JSON,
            detail="at byte 3",
            topic="usage",
            partition=1,
            offset=2,
            timestamp_ms=3,
            value=b"\x00\xff{",
        )
    ],
    "dead-letter-resolution": [
        dead_letters.DeadLetterResolution(
            resolution=dead_letters.Resolution.RETRIED, actor="ops", reason="mended", at_ms=3, sent_to="usage-0-17"
        ),
        dead_letters.DeadLetterResolution(resolution=dead_letters.Resolution.DROPPED, actor="ops", at_ms=3),
    ],
    "rates-manifest": [
        rates.RatesManifest(
            version="0123456789ab",
            active_from_ms=1_767_225_600_000,
            digest="0" * 64,
            parts=1,
            packed_bytes=10,
            files_bytes=20,
        )
    ],
}


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(build_schemas()[f"{name}.json"])


def encode(sample: Any) -> bytes:
    return sample.encode() if isinstance(sample, alerts.Alert) else msgspec.json.encode(sample)


def test_documents_are_what_the_contracts_say() -> None:
    written = {path.name: path.read_text() for path in (ROOT / SCHEMA_DIRECTORY).iterdir()}
    assert {name: render_schema(schema) for name, schema in build_schemas().items()} == written, STALE
    assert render_events() == (ROOT / EVENTS_DOCUMENT).read_text(), STALE


def test_every_schema_is_valid_and_sampled() -> None:
    for schema in build_schemas().values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert SAMPLES.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("name", CONTRACTS)
def test_sample_passes_the_schema_and_comes_back_the_same(name: str) -> None:
    contract, _ = CONTRACTS[name]
    for sample in SAMPLES[name]:
        encoded = encode(sample)
        validator(name).validate(json.loads(encoded))
        decoded = msgspec.json.decode(encoded, type=contract)
        if not isinstance(sample, dict):
            assert sample == decoded


def change(path: str, value: Any) -> dict[str, Any]:
    event = copy.deepcopy(EVENT)
    target = event
    *parents, last = path.split(".")
    for part in parents:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return event


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", None),
        ("id", ""),
        ("source", 7),
        ("specversion", "0.3"),
        ("time", None),
        ("data", []),
        ("data.customer", None),
        ("data.customer", "x" * 129),
        ("data.segments", -1),
        ("data.segments", 1.5),
        ("data.segments", 10**30),
        ("data.amount_micros", 2**53),
        ("data.mcc_mnc", "12"),
        ("data.recipients", "+34600000001"),
        ("data.encoding", "latin1"),
    ],
)
def test_broken_event_fails_both_schema_and_decoder(path: str, value: Any) -> None:
    event = change(path, value)
    assert not validator("usage-event").is_valid(event)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(event), type=UsageEvent)


def test_unknown_attributes_are_let_through() -> None:
    event = {**EVENT, "traceparent": "00-1-2-01", "data": {**EVENT["data"], "colour": "red"}}
    validator("usage-event").validate(event)
    msgspec.json.decode(msgspec.json.encode(event), type=UsageEvent)


def test_every_event_type_has_one_rule_about_fields_that_exist() -> None:
    ruled = [event_type for rule in FIELD_RULES for event_type in rule.types]
    assert sorted(ruled) == sorted(EventType)
    fields = set(UsageData.__struct_fields__)
    named = {field for rule in FIELD_RULES for group in rule.needs for one in group for field in one}
    named |= {field for rule in FIELD_RULES for field in rule.may} | set(EVERY_TYPE_MAY)
    assert fields == named | {"customer"}


FIELDS: tuple[dict[str, Any], ...] = (
    {"to": "+34600000001"},
    {"recipients": ["+34600000001"]},
    {"charge_id": "m-1"},
    {"seconds": 0},
    {"adjusts": "m-1"},
    {"amount_micros": 5},
)


@pytest.mark.parametrize("event_type", EventType)
def test_schema_and_decoder_miss_the_same_fields(event_type: EventType) -> None:
    kind, usage = EVENT_KINDS[event_type], validator("usage-event")
    for count in range(len(FIELDS) + 1):
        for chosen in itertools.combinations(FIELDS, count):
            data = {"customer": "acme"} | {name: value for field in chosen for name, value in field.items()}
            missing = missing_field(kind, msgspec.convert(data, UsageData))
            assert (missing is None) == usage.is_valid({**EVENT, "type": event_type, "data": data}), data


def test_unknown_type_fails_the_schema() -> None:
    assert not validator("usage-event").is_valid({**EVENT, "type": "fax.submitted"})
