"""Rows of the books as the typed state that a bucket is restored from. Leaves reading them to `books`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import asyncpg
import msgspec

from metering.contracts.allotments import Allotment
from metering.contracts.calls import CallTerms
from metering.contracts.decisions import AnswerLeg
from metering.contracts.entries import Balance, Charge
from metering.contracts.reasons import Reason
from metering.contracts.states import State
from metering.ledger.state import (
    BlockState,
    ChargeState,
    RecordState,
    RememberedCommand,
    RememberedEvent,
)

_decode_parts = msgspec.json.Decoder(tuple[tuple[str, int], ...]).decode
_decode_legs = msgspec.json.Decoder(list[tuple[str, int, int, int, int]]).decode
_decode_state: Callable[[str], State] = msgspec.json.Decoder(State).decode
_decode_call = msgspec.json.Decoder(CallTerms).decode
_decode_takes = msgspec.json.Decoder(tuple[tuple[str, int, int], ...]).decode
_decode_allotment = msgspec.json.Decoder(Allotment).decode
_decode_recipients = msgspec.json.Decoder(dict[str, int]).decode

_REASONS: dict[str | None, Reason | None] = {None: None, **{reason.value: reason for reason in Reason}}


def block_of(row: asyncpg.Record) -> BlockState:
    """Return a block of a wallet or a sender."""
    customer, level, name, causes, *rest = row.values()
    return BlockState(customer, level, name, tuple(Reason(cause) for cause in causes), *rest)


def record_of(row: asyncpg.Record) -> RecordState:
    """Return a customer's record beside wallets and charges."""
    customer, record = row.values()
    return RecordState(customer, _decode_state(record))


def charge_of(row: asyncpg.Record) -> ChargeState:
    """Return a charge; `recipients` are those that are not settled yet, None where there are none."""
    customer, charge_id, state, wallet, *figures, deadline, parts, sender, recipients, touched_at_ms, call, takes = (
        row.values()
    )
    price, held, committed, charge_on, fee = figures
    charge = Charge(
        charge_id,
        state,
        wallet,
        price,
        held,
        committed,
        charge_on,
        fee,
        deadline,
        _decode_parts(parts),
        sender,
        _decode_recipients(recipients) if recipients else None,
        call=_decode_call(call) if call else None,
        takes=_decode_takes(takes) if takes else (),
    )
    return ChargeState(customer, charge, touched_at_ms)


def denied_events_of(row: asyncpg.Record, since_ms: int) -> Iterator[RememberedEvent]:
    """Yield the usage events in a row of repeated denials that were applied at or after `since_ms`."""
    for digest, seq, applied_at_ms in zip(*row.values(), strict=True):
        if applied_at_ms >= since_ms:
            yield RememberedEvent(digest, applied_at_ms, seq, "denied", Reason.BLOCKED)


def command_of(row: asyncpg.Record) -> RememberedCommand:
    """Return a command and its answer. The answer names a wallet only where its figures are known."""
    customer, command_id, applied_at_ms, seq, reason, wallet, amount, available, held, overdrawn, *more = row.values()
    after = None if available is None else Balance(available, held, overdrawn)
    others, allotment = more
    legs = tuple(AnswerLeg(name, moved, Balance(*figures)) for name, moved, *figures in _decode_legs(others or "[]"))
    return RememberedCommand(
        customer,
        command_id,
        applied_at_ms,
        seq,
        _REASONS[reason],
        wallet if after else None,
        amount,
        after,
        legs,
        _decode_allotment(allotment) if allotment else None,
    )
