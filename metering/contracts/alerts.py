"""Alerts and the compacted list of blocks. Leaves e-mails, rhythms and recipients to the notifier."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from metering.contracts.reasons import AlertType, BlockLevel, Reason


class AlertData(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The `data` of an alert. Amounts in micro-units of `unit`."""

    customer: str
    wallet: str | None = None
    unit: str | None = None
    available_micros: int | None = None
    """In the wallet; of a rule that judges a user's total, what the user may spend."""
    rule: str | None = None
    level_micros: int | None = None
    lot: str | None = None
    """`lot.expiring`: the lot, of which `level_micros` remain."""
    shortfall_micros: int | None = None
    """`credit.short`: so much is missing."""
    user: str | None = None
    """`credit.*`: whose rule it is, where it is a user's."""
    charge_id: str | None = None
    """`hold.expired`: whose hold it was."""
    level: BlockLevel | None = None
    """`sender.*`: what is blocked, with its `id`."""
    id: str | None = None
    reason: str | None = None
    needed_micros: int | None = None
    """`sender.blocked`: lifted as soon as this much is available; left out where something else lifts it."""
    until_ms: int | None = None
    """`sender.blocked`: when time alone lifts it; left out where it does not."""
    entry: str


class Alert(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An alert as a CloudEvent 1.0. `id` is the entry's id and a running number: a repeat carries the same."""

    specversion: str = msgspec.field(default="1.0")
    id: str
    source: str
    """`/metering/buckets/N`."""
    type: AlertType
    time: str
    """RFC 3339, UTC, of the bucket's clock."""
    subject: str
    """The customer."""
    datacontenttype: str = "application/json"
    data: AlertData

    def encode(self) -> bytes:
        """Return JSON with `specversion` always present (defaults are left out elsewhere)."""
        fields = msgspec.to_builtins(self)
        return msgspec.json.encode({"specversion": "1.0", "datacontenttype": "application/json", **fields})


class BlockRecord(Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The value of a block in the compacted topic `blocked-senders`; a tombstone lifts it.

    Written anew whenever a cause comes or goes while others stand.
    """

    customer: str
    level: BlockLevel
    id: str
    reason: str
    """The first of `causes`."""
    causes: tuple[Reason, ...]
    wallet: str | None = None
    needed_micros: int | None = None
    """Want of credit is over as soon as this much is available."""
    until_ms: int | None = None
    """When time alone lifts it."""
    since_ms: int
    entry: str


def block_key(customer: str, level: BlockLevel, block_id: str) -> bytes:
    """Return the key of a block: a JSON array `[customer, level, id]`, so that no two blocks share one."""
    return msgspec.json.encode([customer, level, block_id])
