"""Ledger entries in the plain form of the model, so that fields can be compared. Leaves making them to others."""

from __future__ import annotations

from typing import Any

import msgspec

from metering.contracts.allotments import Allotment
from metering.contracts.calls import CallTerms
from metering.contracts.entries import Balance, Charge, LedgerEntry, LotChange
from metering.contracts.states import AllotmentsState, CounterState, LimitState, State, UserState, kind_of
from tests.ledger_model.calls import Call


def plain_entry(entry: LedgerEntry) -> dict[str, Any]:
    """Return an entry as the model would write it."""
    return {
        "seq": entry.seq,
        "id": entry.id,
        "applied_at": entry.applied_at_ms,
        "kind": entry.kind.value,
        "customer": entry.customer,
        "reason": None if entry.reason is None else entry.reason.value,
        "decision": entry.decision,
        "price": entry.price_micros,
        "line_amounts": list(entry.line_amounts_micros),
        "granted": None
        if entry.granted is None
        else {"of": entry.granted.of, "count": entry.granted.count, "asked": entry.granted.asked},
        "wallet": entry.wallet,
        "wallet_seq": entry.wallet_seq,
        "amount": entry.amount_micros,
        "held_change": entry.held_change_micros,
        "before": _figures(entry.before),
        "after": _figures(entry.after),
        "lots": _lots(entry.lots),
        "legs": [
            {
                "wallet": leg.wallet,
                "wallet_seq": leg.wallet_seq,
                "amount": leg.amount_micros,
                "held_change": leg.held_change_micros,
                "before": _figures(leg.before),
                "after": _figures(leg.after),
                "lots": _lots(leg.lots),
            }
            for leg in entry.legs
        ],
        "charge": None if entry.charge is None else _charge(entry.charge),
        "alerts": [
            {"type": a.type.value, "rule": a.rule, "level": a.level_micros, "user": a.user, **_leg(a.wallet)}
            | ({} if a.total_micros is None else {"total": a.total_micros})
            for a in entry.alerts
        ],
        "rules": [
            {
                "rule": r.rule,
                "state": r.state,
                "level": r.level_micros,
                "rearm": r.rearm_micros,
                "enabled": r.enabled,
                "percent": r.percent,
                "locks": r.locks,
                "fixed": r.fixed,
                "user": r.user,
                "of_plan": r.of_plan,
                **_leg(r.wallet),
            }
            for r in entry.rules
        ],
        "blocks": [
            {
                "level": block.level.value,
                "id": block.id,
                "reason": str(block.reason),
                "wallet": block.wallet,
                "needed": block.needed_micros,
                "causes": [str(cause) for cause in block.causes],
                "until": block.until_ms,
                "since": block.since_ms,
                "since_seq": block.since_seq,
                "changed": block.changed,
                "blocked": block.blocked,
                **_leg(block.leg),
            }
            for block in entry.blocks
        ],
        "settings": None
        if entry.settings is None
        else {
            "version": entry.settings.version,
            "plan": entry.settings.plan,
            "unit": entry.settings.unit,
            "time_zone": entry.settings.time_zone,
            "country": entry.settings.country,
            "causes": [str(cause) for cause in entry.settings.causes],
            "billing_start": entry.settings.billing_start_ms,
            "cycle_months": entry.settings.cycle_months,
            "wallet_mode": entry.settings.wallet_mode,
            "limits": entry.settings.limits,
            "limits_count": entry.settings.limits_count,
            "rop": entry.settings.rop,
            "equipment": list(entry.settings.equipment),
        },
        "profile": None if entry.profile is None else msgspec.structs.asdict(entry.profile),
        "states": [
            plain_state(state)
            for kind in (LimitState, UserState, AllotmentsState, CounterState)
            for state in entry.states
            if isinstance(state, kind)
        ],
        "allotment": plain_allotment(entry.allotment),
        "duplicate_of": entry.duplicate_of,
        "due_at": entry.due_at_ms,
    }


def plain_state(state: State) -> dict[str, Any]:
    """Return a customer's record as the model shows it."""
    fields = {name: getattr(state, name) for name in state.__struct_fields__}
    return {"kind": kind_of(state)} | {n: list(v) if isinstance(v, tuple) else v for n, v in fields.items()}


def plain_allotment(allotment: Allotment | None) -> dict[str, Any] | None:
    """Return a line of a user's total as the model shows it."""
    if allotment is None:
        return None
    can = allotment.assignable
    return {
        "user": allotment.user,
        "change": allotment.change_micros,
        "lapsed": allotment.lapsed_micros,
        "subtotal": allotment.subtotal_micros,
        "total": allotment.total_micros,
        "per_month": allotment.per_month_micros,
        "field": allotment.field,
        "assignable": None
        if can is None
        else {
            "company_total": can.company_total_micros,
            "max_per_month": can.max_per_month_micros,
            "max_total": can.max_total_micros,
            "over_assigned": can.over_assigned_micros,
        },
    }


def _leg(wallet: str | None) -> dict[str, str]:
    """Name the wallet that something was judged in, only where it is not the entry's own."""
    return {} if wallet is None else {"leg": wallet}


def _figures(balance: Balance | None) -> dict[str, int] | None:
    if balance is None:
        return None
    return {
        "available": balance.available_micros,
        "held": balance.held_micros,
        "overdrawn": balance.overdrawn_micros,
    }


def _lots(changes: tuple[LotChange, ...]) -> dict[str, dict[str, Any]]:
    """What happened to each lot in all: an entry may touch one several times."""
    lots: dict[str, dict[str, Any]] = {}
    for change in changes:
        lot = lots.setdefault(change.lot, {"amount": 0, "held_change": 0})
        lot["amount"] += change.amount_micros
        lot["held_change"] += change.held_change_micros
        lot["remaining"] = change.remaining_micros
        lot["held"] = change.held_micros
        if change.kind is not None:
            lot |= {
                "kind": change.kind,
                "transferable": change.transferable,
            }
        if change.kind is not None or change.expires_at_ms is not None:
            lot |= {"expires_at": change.expires_at_ms or None, "notice_at": change.notice_at_ms}
    # What came back to where it was is no change.
    return {name: lot for name, lot in lots.items() if lot["amount"] or lot["held_change"] or "notice_at" in lot}


def call_of(terms: CallTerms | None) -> Call | None:
    """The terms of a call as the model has them."""
    if terms is None:
        return None
    share = terms.denominator
    return Call(
        terms.seconds,
        terms.first,
        terms.next,
        terms.unit,
        terms.headroom_seconds,
        terms.fixed // share,
        terms.minimum // share,
        terms.mode,
        terms.step_micros,
        terms.others_micros,
        terms.per_call,
    )


def _charge(charge: Charge) -> dict[str, Any]:
    return {
        "id": charge.id,
        "state": charge.state,
        "wallet": charge.wallet,
        "price": charge.price_micros,
        "held": charge.held_micros,
        "committed": charge.committed_micros,
        "charge_on": charge.charge_on,
        "fee": charge.failed_fee_micros,
        "deadline": charge.deadline_at_ms,
        "parts": list(charge.parts),
        "sender": charge.sender,
        "recipients": charge.recipients,
        "settled": list(charge.settled),
        "call": call_of(charge.call),
        "takes": list(charge.takes),
    }
