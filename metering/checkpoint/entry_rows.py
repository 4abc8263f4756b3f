"""Rows of the table `entries`: their columns, and a record as one. Leaves writing them to `flush`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

from metering.checkpoint.records import LedgerRecord, decode_record
from metering.contracts.entries import Balance

EntryRow: TypeAlias = list[Any]
"""The values of `COLUMNS`, in that order. A list, since the hash is added to it in the end: a tuple would be copied."""

COLUMNS = (
    "bucket",
    "seq",
    "leg",
    "id",
    "applied_at_ms",
    "kind",
    "customer",
    "wallet",
    "counter_wallet",
    "wallet_seq",
    "unit",
    "amount_micros",
    "held_change_micros",
    "price_micros",
    "before_available_micros",
    "before_held_micros",
    "before_overdrawn_micros",
    "after_available_micros",
    "after_held_micros",
    "after_overdrawn_micros",
    "charge_id",
    "charge_state",
    "reason",
    "decision",
    "duplicate_of",
    "due_at_ms",
    "event_source",
    "event_id",
    "event_type",
    "event_time_ms",
    "command_id",
    "command_type",
    "channel",
    "country",
    "quantity",
    "sender",
    "user_id",
    "campaign",
    "on_behalf_of",
    "actor",
    "note",
    "terms_version",
    "reply_to",
    "input_topic",
    "input_offset",
    "usage_offset_next",
    "commands_offset_next",
    "chunk",
    "prev_chunk",
    "rates_version",
    "rates",
    "line_amounts",
    "lots",
    "granted",
    "recipients",
    "settled",
    "alerts",
    "rules",
    "blocks",
    "settings",
    "states",
    "profile",
    "allotment",
)
"""The table's columns up to `chain`, in its order.

The hashes of the past were made of these: a column that comes later is not among them.
"""

SEQ = COLUMNS.index("seq")
LEG = COLUMNS.index("leg")
ID = COLUMNS.index("id")
CUSTOMER = COLUMNS.index("customer")
WALLET = COLUMNS.index("wallet")
WALLET_SEQ = COLUMNS.index("wallet_seq")
UNIT = COLUMNS.index("unit")
BEFORE = slice(COLUMNS.index("before_available_micros"), COLUMNS.index("before_overdrawn_micros") + 1)
AFTER = slice(COLUMNS.index("after_available_micros"), COLUMNS.index("after_overdrawn_micros") + 1)

WIDTHS = bytes({"bucket": 4, "leg": 2}.get(column, 8) for column in [*COLUMNS, "chain"])
"""Bytes of a number in each column, the hash's among them."""

_encode = msgspec.json.Encoder().encode


def row_of(record: LedgerRecord) -> EntryRow:
    """Return a record as a row. Nested parts become JSON text; of a charge its state and its recipients are kept."""
    charge, position, given, legs = record.charge, record.position, record.input, record.legs
    # Local names and one list: unpacking parts into it would take half as long again, for every entry.
    available, held, overdrawn = _figures(record.before)
    available_after, held_after, overdrawn_after = _figures(record.after)
    source = event_id = event_type = event_time_ms = command_id = command_type = None
    if (event := record.event) is not None:
        source, event_id, event_type, event_time_ms = event.source, event.id, event.type, event.time_ms
    elif (command := record.command) is not None:
        command_id, command_type = command.id, command.type
    charge_id, charge_state = record.charge_id, None
    recipients = settled = None
    if charge is not None:
        charge_id, charge_state = charge.id, charge.state
        recipients, settled = charge.recipients, charge.settled
    return [
        record.bucket,
        record.seq,
        0,
        record.id,
        record.applied_at_ms,
        record.kind,
        record.customer,
        record.wallet,
        legs[0].wallet if len(legs) == 1 else None,
        record.wallet_seq,
        record.unit,
        record.amount_micros,
        record.held_change_micros,
        record.price_micros,
        available,
        held,
        overdrawn,
        available_after,
        held_after,
        overdrawn_after,
        charge_id,
        charge_state,
        record.reason,
        record.decision,
        record.duplicate_of,
        record.due_at_ms,
        source,
        event_id,
        event_type,
        event_time_ms,
        command_id,
        command_type,
        record.channel,
        record.country,
        record.quantity,
        record.sender,
        record.user,
        record.campaign,
        record.on_behalf_of,
        record.actor,
        record.note,
        record.terms_version,
        record.reply_to,
        given.topic,
        given.offset,
        position.usage,
        position.commands,
        record.chunk,
        record.prev_chunk,
        record.rates_version,
        str(record.rates, "utf-8") if record.rates else None,
        _encode(record.line_amounts_micros).decode() if record.line_amounts_micros else None,
        _encode(record.lots).decode() if record.lots else None,
        _encode(record.granted).decode() if record.granted else None,
        _encode(recipients).decode() if recipients else None,
        _encode(settled).decode() if settled else None,
        _encode(record.alerts).decode() if record.alerts else None,
        _encode(record.rules).decode() if record.rules else None,
        _encode(record.blocks).decode() if record.blocks else None,
        _encode(record.settings).decode() if record.settings else None,
        _encode(record.states).decode() if record.states else None,
        _encode(record.profile).decode() if record.profile else None,
        _encode(record.allotment).decode() if record.allotment else None,
    ]


def row_of_value(value: bytes) -> EntryRow:
    """Return the record `value` as a row."""
    return row_of(decode_record(value))


def leg_rows(record: LedgerRecord) -> Iterator[EntryRow]:
    """Yield a row for each further wallet that a record changed: whose entry it is, and what it did there.

    All that the record tells besides, such as its charge, alerts, rules and blocks, stands in its first row.
    """
    whole = dict(zip(COLUMNS, row_of(record), strict=True))
    common = {name: value for name, value in whole.items() if name in _COMMON}
    for number, leg in enumerate(record.legs, start=1):
        row = common | {
            "leg": number,
            "wallet": leg.wallet,
            "counter_wallet": record.wallet,
            "wallet_seq": leg.wallet_seq,
            "unit": leg.unit,
            "amount_micros": leg.amount_micros,
            "held_change_micros": leg.held_change_micros,
            "lots": _encode(leg.lots).decode() if leg.lots else None,
        }
        row |= zip(COLUMNS[BEFORE], _figures(leg.before), strict=True)
        row |= zip(COLUMNS[AFTER], _figures(leg.after), strict=True)
        yield [row.get(column) for column in COLUMNS]


_COMMON = frozenset({
    "bucket", "seq", "id", "applied_at_ms", "kind", "customer", "reason", "due_at_ms", "event_source", "event_id",
    "event_type", "event_time_ms", "command_id", "command_type", "actor", "note", "input_topic", "input_offset",
    "usage_offset_next", "commands_offset_next", "chunk", "prev_chunk",
})  # fmt: skip
"""What a leg's row has of its entry."""


def _figures(balance: Balance | None) -> tuple[int | None, int | None, int | None]:
    if balance is None:
        return None, None, None
    return balance.available_micros, balance.held_micros, balance.overdrawn_micros
