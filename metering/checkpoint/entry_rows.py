"""Rows of the table `entries`: their columns, and a record as one. Leaves writing them to `flush`."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from metering.checkpoint.records import LedgerRecord

EntryRow: TypeAlias = tuple[Any, ...]
"""The values of `COLUMNS`, in that order."""

COLUMNS = (
    "bucket",
    "seq",
    "id",
    "applied_at_ms",
    "kind",
    "customer",
    "wallet",
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
    "reply_to",
    "input_topic",
    "input_offset",
    "usage_offset_next",
    "commands_offset_next",
    "chunk",
    "prev_chunk",
    "rates_version",
    "rates",
    "lots",
    "recipients",
    "settled",
    "alerts",
    "rules",
    "blocks",
    "settings",
)
"""The table's columns up to `chain`, in its order.

The hashes of the past were made of these: a column that comes later is not among them.
"""

SEQ = COLUMNS.index("seq")
ID = COLUMNS.index("id")
CUSTOMER = COLUMNS.index("customer")
WALLET = COLUMNS.index("wallet")
WALLET_SEQ = COLUMNS.index("wallet_seq")
UNIT = COLUMNS.index("unit")
BEFORE = slice(COLUMNS.index("before_available_micros"), COLUMNS.index("before_overdrawn_micros") + 1)
AFTER = slice(COLUMNS.index("after_available_micros"), COLUMNS.index("after_overdrawn_micros") + 1)

_encode = msgspec.json.Encoder().encode


def row_of(record: LedgerRecord) -> EntryRow:
    """Return a record as a row. Nested parts become JSON text; of a charge its state and its recipients are kept."""
    before, after, event, command = record.before, record.after, record.event, record.command
    charge, position = record.charge, record.position
    return (
        record.bucket,
        record.seq,
        record.id,
        record.applied_at_ms,
        record.kind,
        record.customer,
        record.wallet,
        record.wallet_seq,
        record.unit,
        record.amount_micros,
        record.held_change_micros,
        record.price_micros,
        *((before.available_micros, before.held_micros, before.overdrawn_micros) if before else _THREE),
        *((after.available_micros, after.held_micros, after.overdrawn_micros) if after else _THREE),
        charge.id if charge else record.charge_id,
        charge.state if charge else None,
        record.reason,
        record.decision,
        record.duplicate_of,
        record.due_at_ms,
        *((event.source, event.id, event.type, event.time_ms) if event else _FOUR),
        *((command.id, command.type) if command else _TWO),
        record.channel,
        record.country,
        record.quantity,
        record.sender,
        record.user,
        record.campaign,
        record.on_behalf_of,
        record.actor,
        record.note,
        record.reply_to,
        record.input.topic,
        record.input.offset,
        position.usage,
        position.commands,
        record.chunk,
        record.prev_chunk,
        record.rates_version,
        str(record.rates, "utf-8") if record.rates else None,
        _encode(record.lots).decode() if record.lots else None,
        _encode(charge.recipients).decode() if charge and charge.recipients else None,
        _encode(charge.settled).decode() if charge and charge.settled else None,
        _encode(record.alerts).decode() if record.alerts else None,
        _encode(record.rules).decode() if record.rules else None,
        _encode(record.blocks).decode() if record.blocks else None,
        _encode(record.settings).decode() if record.settings else None,
    )


_TWO = (None,) * 2
_THREE = (None,) * 3
_FOUR = (None,) * 4
