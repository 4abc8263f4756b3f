"""docs/schemas/*.json and docs/events.md, made from the contracts. Leaves decoding to msgspec.

`python -m metering.contracts.schemas` writes them; a test fails when they are stale.
"""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from metering.contracts.alerts import Alert, BlockRecord
from metering.contracts.allotments import Allotment
from metering.contracts.calls import CallTerms
from metering.contracts.command_header import CommandHeader
from metering.contracts.commands import CommandRecord
from metering.contracts.dead_letters import DeadLetter, DeadLetterResolution
from metering.contracts.decisions import Answer, Decision
from metering.contracts.entries import LedgerEntry
from metering.contracts.events import EventType, UsageEvent
from metering.contracts.field_rules import EVERY_TYPE_MAY, FIELD_RULES, Alternatives, describe_alternatives
from metering.contracts.rates import RatesManifest
from metering.contracts.topics import Topic
from metering.contracts.user_commands import PutUser

SCHEMA_DIRECTORY = Path("docs/schemas")
EVENTS_DOCUMENT = Path("docs/events.md")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

CONTRACTS: Mapping[str, tuple[Any, Topic]] = {
    "usage-event": (UsageEvent, Topic.USAGE),
    "command": (CommandRecord, Topic.COMMANDS),
    "ledger-entry": (LedgerEntry, Topic.LEDGER),
    "decision": (Decision, Topic.DECISIONS),
    "answer": (Answer, Topic.ANSWERS),
    "alert": (Alert, Topic.ALERTS),
    "block-record": (BlockRecord, Topic.BLOCKED_SENDERS),
    "dead-letter": (DeadLetter, Topic.DEAD_LETTERS),
    "dead-letter-resolution": (DeadLetterResolution, Topic.DEAD_LETTERS),
    "rates-manifest": (RatesManifest, Topic.RATES),
}
"""By file name: what stands in the values of which topic."""

_EVENTS_HEAD = """\
# Usage events

Made from `metering/contracts/field_rules.py` by `python -m metering.contracts.schemas`; do not edit.

A usage event is a CloudEvent 1.0 in its JSON format, at most 256 KiB, with the customer as the record's key. It needs
`specversion` ("1.0"), `id`, `source`, `type`, `time` (RFC 3339 with offset) and `data` with `customer`; attributes and
fields that are not listed are ignored. `source` + `id` is the idempotency key: a repeat changes nothing and gets the
first answer. The schema, with what each field means, is [`schemas/usage-event.json`](schemas/usage-event.json).

```json
{"specversion": "1.0", "id": "m-1", "source": "/gateway/eu-1", "type": "sms.submitted", "time": "2026-03-01T12:00:00Z",
 "data": {"customer": "acme", "sender": "ACME", "to": "+34600000001", "text": "¡Hola!", "charge_id": "m-1"}}
```

Without a field that its type needs, or with an unknown type, an event goes to `dead-letters` (`missing_field`,
`unknown_type`). Types that ask get a decision, `allowed` or `denied`, in the topic `decisions`. Every type may also
carry EVERY_TYPE_MAY. What each type does to money, out-of-order and repeated outcomes included, stands in
[ledger-rules.md](ledger-rules.md).

| types | needs | may carry | effect |
| --- | --- | --- | --- |
"""


def build_schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by the name of its file, JSON Schema 2020-12."""
    return {f"{name}.json": _build_schema(name, *contract) for name, contract in CONTRACTS.items()}


def render_schema(schema: Mapping[str, Any]) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def render_events() -> str:
    """Return docs/events.md."""
    rows = [
        f"| {_code_list(rule.types)} | {_describe_needs(rule.needs)} | {_code_list(rule.may)} | {rule.effect} |"
        for rule in FIELD_RULES
    ]
    return _EVENTS_HEAD.replace("EVERY_TYPE_MAY", _code_list(EVERY_TYPE_MAY)) + "\n".join(rows) + "\n"


def write_documents(root: Path) -> None:
    """Write all files under the repository's `root`. Interrupted, some may be stale; run it again."""
    (root / SCHEMA_DIRECTORY).mkdir(parents=True, exist_ok=True)
    for name, schema in build_schemas().items():
        (root / SCHEMA_DIRECTORY / name).write_text(render_schema(schema))
    (root / EVENTS_DOCUMENT).write_text(render_events())


def _build_schema(name: str, contract: Any, topic: Topic) -> dict[str, Any]:
    # A union has no name of its own, so the schema of each member is asked for and the union written here.
    (schema,), components = msgspec.json.schema_components([contract], ref_template="#/$defs/{name}")
    descriptions = _describe_fields()
    for component, definition in components.items():
        if "description" in definition:
            # Python 3.13 takes the indentation out of docstrings, earlier ones leave it in.
            definition["description"] = inspect.cleandoc(definition["description"])
        for field, described in descriptions.get(component, {}).items():
            if field in definition.get("properties", {}):
                definition["properties"][field]["description"] = described
    if contract is UsageEvent:
        components["UsageEvent"]["properties"]["type"]["enum"] = [str(event_type) for event_type in EventType]
        components["UsageEvent"]["allOf"] = list(_conditions())
    return {
        "$schema": DIALECT,
        "title": name,
        "description": f"Values of the topic `{topic}`.",
        **schema,
        "$defs": dict(sorted(components.items())),
    }


def _conditions() -> Iterator[dict[str, Any]]:
    """Yield, for each rule, what `data` must have when the type is one of the rule's."""
    for rule in FIELD_RULES:
        needs = [
            {"anyOf": [{"required": list(group)} for group in alternatives]}
            if len(alternatives) > 1
            else {"required": list(alternatives[0])}
            for alternatives in rule.needs
        ]
        yield {
            "if": {"properties": {"type": {"enum": [str(event_type) for event_type in rule.types]}}},
            "then": {"properties": {"data": {"allOf": needs}}},
        }


def _describe_fields() -> dict[str, dict[str, str]]:
    """Return by class and field what the string below the field's declaration says: msgspec does not look at it."""
    described: dict[str, dict[str, str]] = {}
    modules = {
        inspect.getmodule(kind)
        for kind in (Alert, Allotment, CallTerms, LedgerEntry, Decision, DeadLetter, UsageEvent, RatesManifest)
    }
    modules |= {inspect.getmodule(kind) for kind in (CommandHeader, CommandRecord.__args__[0], PutUser)}
    for module in modules:
        if module is None:
            continue
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                described[node.name] = dict(_read_docstrings(node))
    return described


def _read_docstrings(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            yield field.target.id, " ".join(str(text.value.value).split())


def _describe_needs(needs: tuple[Alternatives, ...]) -> str:
    return "; ".join(describe_alternatives(alternatives) for alternatives in needs)


def _code_list(names: tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    write_documents(Path.cwd())
