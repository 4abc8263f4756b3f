"""What a result comes to in the words of the contracts. Leaves the entry around it to `made`."""

from __future__ import annotations

from msgspec import Struct

from metering.contracts import entries
from metering.contracts.allotments import Allotment
from metering.contracts.reasons import AlertType, Kind, Reason
from metering.contracts.states import State
from metering.contracts.wallets import WalletProfile
from metering.ledger.codes import KINDS, REASONS, AlertCode
from metering.ledger.entry_parts import (
    allotment_of,
    block_of,
    charge_of,
    granted_of,
    leg_of,
    lot_change_of,
    make_settings,
    rule_of,
)
from metering.ledger.profiles import make_profile
from metering.ledger.results import Result
from metering.ledger.states import make_state

DECISIONS = (None, "allowed", "denied")
_ALERTS = {
    AlertCode.LOW.value: AlertType.CREDIT_LOW,
    AlertCode.RECOVERED.value: AlertType.CREDIT_RECOVERED,
    AlertCode.EXHAUSTED.value: AlertType.CREDIT_EXHAUSTED,
    AlertCode.HOLD_EXPIRED.value: AlertType.HOLD_EXPIRED,
    AlertCode.LIMIT_REACHED.value: AlertType.LIMIT_REACHED,
    AlertCode.LOT_EXPIRING.value: AlertType.LOT_EXPIRING,
    AlertCode.SHORT.value: AlertType.CREDIT_SHORT,
}


class Effect(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The part of a `LedgerEntry` that Lua decided, by the same names."""

    id: str
    bucket: int
    seq: int
    chunk: str
    prev_chunk: str
    kind: Kind
    wallet: str | None = None
    wallet_seq: int | None = None
    amount_micros: int = 0
    held_change_micros: int = 0
    price_micros: int | None = None
    """Where Lua finds it: seconds of a call, counters. Then what the input carries says nothing of it."""
    line_amounts_micros: tuple[int, ...] = ()
    before: entries.Balance | None = None
    after: entries.Balance | None = None
    lots: tuple[entries.LotChange, ...] = ()
    legs: tuple[entries.Leg, ...] = ()
    charge: entries.Charge | None = None
    reason: Reason | None = None
    decision: str | None = None
    granted: entries.Granted | None = None
    duplicate_of: int | None = None
    alerts: tuple[entries.AlertRaised, ...] = ()
    rules: tuple[entries.RuleState, ...] = ()
    blocks: tuple[entries.BlockChange, ...] = ()
    settings: entries.CustomerSettings | None = None
    states: tuple[State, ...] = ()
    allotment: Allotment | None = None
    profile: WalletProfile | None = None
    due_at_ms: int | None = None


def _alert_of(
    code: int, rule: str, level: int, user: str, wallet: str | None = None, total: int | None = None
) -> entries.AlertRaised:
    return entries.AlertRaised(_ALERTS[code], rule, level, user, wallet or None, total)


def effect_of(bucket: int, seq: int, chunk: str, prev_chunk: str, result: Result, charge_id: str | None) -> Effect:
    """Return what Lua decided. `charge_id` is what the input says; a timer effect says so itself."""
    more = result.more()
    on_wallet = result.wallet is not False
    return Effect(
        id=f"{bucket}-{seq}",
        bucket=bucket,
        seq=seq,
        chunk=chunk,
        prev_chunk=prev_chunk,
        kind=KINDS[result.kind],
        wallet=str(result.wallet) if on_wallet else None,
        wallet_seq=result.wallet_seq or None,
        amount_micros=result.amount,
        held_change_micros=result.held_change,
        price_micros=more.price,
        line_amounts_micros=tuple(more.amounts),
        before=entries.Balance(result.available_before, result.held_before, result.overdrawn_before)
        if on_wallet
        else None,
        after=entries.Balance(result.available_after, result.held_after, result.overdrawn_after) if on_wallet else None,
        lots=tuple([lot_change_of(lot) for lot in result.lots]) if result.lots else (),
        legs=tuple(leg_of(*leg) for leg in more.legs),
        charge=charge_of(result.charge, more.settled, more.charge or charge_id or "")
        if isinstance(result.charge, list)
        else None,
        reason=REASONS[result.reason] if result.reason else None,
        decision=DECISIONS[result.decision],
        duplicate_of=more.duplicate_of,
        granted=granted_of(more.granted) if more.granted else None,
        alerts=tuple(_alert_of(*alert) for alert in more.alerts),
        rules=tuple([rule_of(*rule) for rule in more.rules]),
        blocks=tuple(block_of(*block) for block in more.blocks),
        settings=make_settings(more.settings) if more.settings else None,
        states=tuple([make_state(*state) for state in more.states]),
        allotment=allotment_of(more.allotment) if more.allotment else None,
        profile=make_profile(more.profile) if more.profile else None,
        due_at_ms=more.due_at_ms,
    )
