"""Rows of the books as the typed state that a bucket is restored from. Leaves reading them to `books`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import asyncpg
import msgspec

from metering.contracts.allotments import Allotment
from metering.contracts.calls import CallTerms
from metering.contracts.decisions import AnswerLeg
from metering.contracts.entries import (
    Balance,
    Charge,
    CustomerSettings,
    Granted,
    RuleState,
)
from metering.contracts.reasons import Reason
from metering.contracts.states import State
from metering.contracts.wallets import WalletProfile
from metering.errors import BrokenInvariant
from metering.ledger.identity import event_digest
from metering.ledger.state import (
    BlockState,
    ChargeState,
    CustomerState,
    LotState,
    RecordState,
    RememberedCommand,
    RememberedEvent,
    WalletState,
)

_decode_lots = msgspec.json.Decoder(list[tuple[str, str, int, int, int, int, bool, int]]).decode
_decode_rules = msgspec.json.Decoder(list[tuple[str, Any, int, int, bool, int, bool, bool, str, bool]]).decode
_decode_parts = msgspec.json.Decoder(tuple[tuple[str, int], ...]).decode
_decode_legs = msgspec.json.Decoder(list[tuple[str, int, int, int, int]]).decode
_decode_state: Callable[[str], State] = msgspec.json.Decoder(State).decode
_decode_call = msgspec.json.Decoder(CallTerms).decode
_decode_takes = msgspec.json.Decoder(tuple[tuple[str, int, int], ...]).decode
_decode_granted = msgspec.json.Decoder(Granted).decode
_decode_allotment = msgspec.json.Decoder(Allotment).decode
_decode_recipients = msgspec.json.Decoder(dict[str, int]).decode

_REASONS: dict[str | None, Reason | None] = {None: None, **{reason.value: reason for reason in Reason}}


def customer_of(row: asyncpg.Record) -> CustomerState:
    """Return a customer's settings."""
    customer, version, plan, unit, time_zone, country, causes, *cycle, equipment = row.values()
    blocked_by = tuple(Reason(cause) for cause in causes)
    settings = CustomerSettings(*[version, plan, unit, time_zone, country, blocked_by, *cycle, tuple(equipment)])
    return CustomerState(customer, settings)


def block_of(row: asyncpg.Record) -> BlockState:
    """Return a block of a wallet or a sender."""
    customer, level, name, causes, *rest = row.values()
    return BlockState(customer, level, name, tuple(Reason(cause) for cause in causes), *rest)


def wallet_of(row: asyncpg.Record) -> WalletState:
    """Return a wallet with its lots and rules. Raises `BrokenInvariant` where its lots do not add up to its figures."""
    customer, wallet, unit, wallet_seq, overdrawn, held, available, lots_text, rules_text, topped_up, *profile = (
        row.values()
    )
    lots = tuple([LotState(*lot) for lot in _decode_lots(lots_text)]) if lots_text != "[]" else ()
    credit, held_over = 0, held
    for lot in lots:
        credit += lot.remaining_micros
        held_over -= lot.held_micros
    if held_over < 0 or credit != available + held + overdrawn:
        raise BrokenInvariant(f"the lots of wallet {wallet!r} of {customer!r} do not add up to its figures in Postgres")
    rules = tuple([RuleState(*rule) for rule in _decode_rules(rules_text)]) if rules_text != "[]" else ()
    figures = (unit, wallet_seq, overdrawn, held_over)
    return WalletState(customer, wallet, *figures, lots, rules, topped_up, _profile_of(*profile))


@lru_cache(maxsize=1024)
def _profile_of(*profile: str | None) -> WalletProfile:
    """Return a profile; most wallets share one."""
    return WalletProfile(*profile)  # type: ignore[arg-type]  # the columns are what it is made of


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


def event_of(row: asyncpg.Record) -> RememberedEvent:
    """Return a usage event that has a row of its own."""
    source, event_id, applied_at_ms, seq, decision, reason, granted = row.values()
    part = _decode_granted(granted) if granted else None
    return RememberedEvent(event_digest(source, event_id), applied_at_ms, seq, decision, _REASONS[reason], part)


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
