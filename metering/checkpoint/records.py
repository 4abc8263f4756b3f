"""Ledger records as the writer reads them: one decode a record. Leaves what they mean for the books to `batch`.

The fields are those of `contracts.entries.LedgerEntry`, under the same names and with the same meaning. Words of closed
lists stay plain text and the rates stay the bytes they came as, since both go to Postgres as they are: half the work of
the contract's own type.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from metering.contracts.allotments import Allotment
from metering.contracts.entries import (
    AlertRaised,
    Balance,
    Charge,
    CommandReference,
    CustomerSettings,
    EventReference,
    Granted,
    Leg,
    LotChange,
    Position,
    RuleState,
)
from metering.contracts.states import State
from metering.contracts.wallets import WalletProfile

_NOTHING = Raw()


class Block(Struct, frozen=True, gc=False):
    """`contracts.entries.BlockChange` with its words as plain text."""

    level: str
    id: str
    blocked: bool
    changed: bool
    reason: str
    causes: tuple[str, ...] = ()
    wallet: str = ""
    needed_micros: int = 0
    until_ms: int = 0
    since_ms: int = 0
    since_seq: int = 0
    leg: str | None = None


class InputOffset(Struct, frozen=True, gc=False):
    """`contracts.entries.InputReference` without its partition, which is the bucket."""

    topic: str
    offset: int


class LedgerRecord(Struct, frozen=True, kw_only=True, gc=False):
    """A ledger entry, for the writer. Amounts in micro-units, times in Unix milliseconds."""

    # In the order in which the worker writes them: a field that comes when it is expected needs no looking up.
    id: str
    bucket: int
    seq: int
    chunk: str
    prev_chunk: str
    kind: str
    wallet: str | None = None
    wallet_seq: int | None = None
    amount_micros: int = 0
    held_change_micros: int = 0
    before: Balance | None = None
    after: Balance | None = None
    lots: tuple[LotChange, ...] = ()
    legs: tuple[Leg, ...] = ()
    charge: Charge | None = None
    reason: str | None = None
    decision: str | None = None
    granted: Granted | None = None
    duplicate_of: int | None = None
    alerts: tuple[AlertRaised, ...] = ()
    rules: tuple[RuleState, ...] = ()
    blocks: tuple[Block, ...] = ()
    settings: CustomerSettings | None = None
    states: tuple[State, ...] = ()
    allotment: Allotment | None = None
    profile: WalletProfile | None = None
    due_at_ms: int | None = None
    position: Position
    applied_at_ms: int
    input: InputOffset
    customer: str
    unit: str | None = None
    price_micros: int | None = None
    charge_id: str | None = None
    event: EventReference | None = None
    command: CommandReference | None = None
    channel: str | None = None
    country: str | None = None
    quantity: int | None = None
    rates: Raw = _NOTHING
    """JSON as it came; empty where there is none."""
    line_amounts_micros: tuple[int, ...] = ()
    rates_version: str | None = None
    sender: str | None = None
    user: str | None = None
    campaign: str | None = None
    on_behalf_of: str | None = None
    actor: str | None = None
    note: str | None = None
    terms_version: str | None = None
    reply_to: str | None = None


decode_record = msgspec.json.Decoder(LedgerRecord).decode
"""Read a record's value. Raises `msgspec.DecodeError` where it is no ledger entry."""

_decode_anything = msgspec.json.Decoder().decode


def has_nul(value: bytes) -> bool:
    """Say whether any text in a JSON document holds U+0000, which Postgres cannot store.

    Cheap where none is written.
    """
    # A backslash is rare in our JSON and one byte is looked for ten times as fast as six.
    return b"\\" in value and b"\\u0000" in value and _find_nul(_decode_anything(value))


def _find_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_find_nul(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(_find_nul(item) for item in value)
