"""Records of the ledger for compiled steps: usual ones, ones that tell more, and ones with something odd in them.

Leaves what both ways must agree on to the tests.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from metering.checkpoint.records import LedgerRecord

AT_MS = 1_772_366_400_000
DAY_MS = 86_400_000
LOT = {"lot": "3-1", "amount_micros": -5, "held_change_micros": 0, "remaining_micros": 95, "held_micros": 0}
CHARGE = {
    "id": "m-1",
    "state": "committed",
    "wallet": "main",
    "price_micros": 5,
    "held_micros": 0,
    "committed_micros": 5,
    "charge_on": "submit",
    "sender": "+34600",
}
LINE = {
    "charge": "rate",
    "deck": "flat",
    "prefix": "+1",
    "unit_price_micros": 5,
    "tiers": [[1, True], {"x": [-2]}],
    "to": None,
}
DEBITED: dict[str, Any] = {
    "id": "3-8",
    "bucket": 3,
    "seq": 8,
    "chunk": "c2",
    "prev_chunk": "c1",
    "kind": "debited",
    "wallet": "main",
    "wallet_seq": 5,
    "amount_micros": -5,
    "before": {"available_micros": 100, "held_micros": 0, "overdrawn_micros": 0},
    "after": {"available_micros": 95, "held_micros": 0, "overdrawn_micros": 0},
    "lots": [LOT],
    "charge": CHARGE,
    "decision": "allowed",
    "position": {"usage": 4, "commands": 5},
    "applied_at_ms": AT_MS,
    "input": {"topic": "usage", "partition": 3, "offset": 3},
    "customer": "acme",
    "unit": "USD",
    "price_micros": 5,
    "charge_id": "m-1",
    "event": {"source": "/pipeline", "id": "e-1", "type": "sms.submitted", "time_ms": AT_MS - 9},
    "channel": "sms",
    "country": "US",
    "quantity": 1,
    "rates": [LINE],
    "rates_version": "cb6423",
    "sender": "+34600",
    "user": "ann",
}
"""A usual entry, as the worker writes it: the eighth of bucket 3, and the fifth of its wallet."""

PLAIN_FIELDS: dict[str, Any] = {
    "held_change_micros": -3,
    "reason": "settled",
    "duplicate_of": 2,
    "due_at_ms": AT_MS - 5,
    "line_amounts_micros": [5, 0, -1],
    "campaign": "autumn",
    "on_behalf_of": "bolt",
    "actor": "me",
    "note": "it's so",
    "terms_version": "2",
    "reply_to": "answers-1",
}
"""What a plain entry may tell besides."""

FURTHER_FIELDS: dict[str, Any] = {
    "granted": {"of": "recipients", "count": 1, "asked": 2},
    "alerts": [{"type": "credit.low", "rule": "default", "level_micros": 5}],
    "rules": [{"rule": "default", "state": "low", "level_micros": 5, "rearm_micros": 6}],
    "blocks": [{"level": "sender", "id": "s", "blocked": True, "changed": True, "reason": "blocked", "causes": ["x"]}],
    "settings": {"version": 1, "plan": "payg", "unit": "USD"},
    "profile": {"state": "active", "kind": "company_pool"},
}
"""What only entries tell that are not plain."""

ODD: list[Any] = [
    None, "", "é", "\0", 'a"b\\', "\x7f", "x" * 300, 0, -1, 1.0, 1.5, True, 10**17, 10**18, -(10**18), 2**63, 2**70,
    [], {}, [1], "denied", "blocked", "held", "opened",
]  # fmt: skip


def written(fields: dict[str, Any], separators: tuple[str, str] = (",", ":"), *, is_ascii: bool = False) -> bytes:
    """An entry's JSON, with the fields in the worker's order and those that nobody knows behind them."""
    known = {name: fields[name] for name in LedgerRecord.__struct_fields__ if name in fields}
    return json.dumps(known | fields, separators=separators, ensure_ascii=is_ascii).encode()


PATHS = [
    *((name,) for name in [*LedgerRecord.__struct_fields__, "unknown"]),
    *(("charge", name) for name in [*CHARGE, "failed_fee_micros", "deadline_at_ms", "parts", "recipients", "settled"]),
    *(("lots", 0, name) for name in [*LOT, "kind", "expires_at_ms"]),
    *(("lots", 1), ("rates", 0, "deck"), ("rates", 1), ("before", "held_micros"), ("after", "available_micros")),
    *(("event", name) for name in DEBITED["event"]),
    *(("input", name) for name in DEBITED["input"]),
    *(("position", "usage"), ("position", "more")),
]


def changed(fields: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy of `fields` that has `value` at `path`, where there is such a place."""
    copy = inner = json.loads(json.dumps(fields))
    for step in path[:-1]:
        if isinstance(inner, dict):
            inner = inner.get(step)
        else:
            inner = inner[step] if isinstance(inner, list) and step in range(len(inner)) else None
    if isinstance(inner, dict) or (isinstance(inner, list) and path[-1] in range(len(inner))):
        inner[path[-1]] = value
    elif isinstance(inner, list) and path[-1] == len(inner):
        inner.append(value)
    return dict(copy)


@st.composite
def odd_records(draw: st.DrawFn) -> bytes:
    """An entry with up to three things in it that are not as usual, or not as the worker writes them."""
    fields = DEBITED | draw(st.dictionaries(st.sampled_from([*PLAIN_FIELDS]), st.none(), max_size=4).map(_chosen))
    for gone in draw(st.lists(st.sampled_from([*DEBITED]), max_size=2)):
        fields.pop(gone, None)
    for path in draw(st.lists(st.sampled_from(PATHS), max_size=3)):
        value = draw(st.sampled_from([*ODD, FURTHER_FIELDS.get(path[0]), PLAIN_FIELDS.get(path[0])]))
        fields = changed(fields, path, value)
    separators = draw(st.sampled_from([(",", ":")] * 5 + [(", ", ": "), (",", ": "), (",\n", ":")]))
    return written(fields, separators, is_ascii=draw(st.booleans()))


def _chosen(names: dict[str, None]) -> dict[str, Any]:
    return {name: PLAIN_FIELDS[name] for name in names}


_BYTES = [b"", b"\\", b'"', b",", b"0", b"-", b".", b"e", b" ", b"]", b"}", b"{", b"\xff", b"\0"]


@st.composite
def broken_records(draw: st.DrawFn) -> bytes:
    """A usual entry, of which a few bytes are others, gone, or there twice."""
    value = bytearray(written(DEBITED | PLAIN_FIELDS))
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(value) - 1))
        some = draw(
            st.sampled_from([b"", b"\\", b'"', b",", b"0", b"-", b".", b"e", b" ", b"]", b"}", b"\xff", b"\0", b"{"])
        )
        value[at : at + draw(st.integers(0, 2))] = some
    return bytes(value[: draw(st.sampled_from([len(value)] * 5 + [len(value) - 1, len(value) // 2]))])
