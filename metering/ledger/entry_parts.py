"""Parts of entries as Lua notes them, made into what contracts have. Leaves whole entries to `results`."""

from __future__ import annotations

from sys import intern
from typing import Any, Literal

from metering.contracts import entries
from metering.contracts.allotments import Allotment, Assignable
from metering.contracts.calls import CallTerms
from metering.contracts.reasons import BlockLevel
from metering.ledger.cause_codes import causes_of
from metering.ledger.codes import REASONS, Moment, RuleStateCode, State
from metering.ledger.grant_codes import GrantOf, RoundingCode

_LOT_FIGURES = 5
_STATES = {state.value: state.name.lower() for state in State}
_MOMENTS = {Moment.SUBMIT.value: "submit", Moment.SENT.value: "sent", Moment.DELIVERED.value: "delivered"}
_RULE_STATES = {state.value: state.name.lower() for state in RuleStateCode}
_LEVELS = {1: BlockLevel.CUSTOMER, 2: BlockLevel.WALLET, 3: BlockLevel.SENDER, 4: BlockLevel.USER}
_MODES = {mode.value: mode.name.lower() for mode in RoundingCode}
_GRANTS = {of.value: of.name.lower() for of in GrantOf}


FIXED, CHANGEABLE = 1, 2
"""`layout.Rule.FIXED` of a rule of the plan: no command may change it, or one may. 0: the customer's own."""


def allotment_of(record: list[Any]) -> Allotment:
    """Return a line of a user's total as contracts have it."""
    user, change, lapsed, subtotal, total, per_month, field, assignable = record
    return Allotment(
        user,
        change,
        lapsed,
        subtotal,
        None if total is False else total,
        None if per_month is False else per_month,
        field or None,
        Assignable(*assignable) if assignable else None,
    )


def allotment_record(allotment: Allotment | None) -> list[Any] | Literal[False]:
    """Return the same as Lua notes it."""
    if allotment is None:
        return False
    total, per_month, can = allotment.total_micros, allotment.per_month_micros, allotment.assignable
    return [
        allotment.user,
        allotment.change_micros,
        allotment.lapsed_micros,
        allotment.subtotal_micros,
        False if total is None else total,
        False if per_month is None else per_month,
        allotment.field or False,
        can is not None
        and [can.company_total_micros, can.max_per_month_micros, can.max_total_micros, can.over_assigned_micros],
    ]


def granted_of(record: list[int]) -> entries.Granted:
    """Return a part grant as contracts have it."""
    of, count, asked = record
    return entries.Granted(_GRANTS[of], count, asked)  # type: ignore[arg-type]


def rule_of(  # noqa: PLR0913, PLR0917  the positions of a rule in Lua
    rule: str,
    state: int,
    level: int,
    rearm: int,
    enabled: int,
    percent: int,
    locks: int,
    fixed: int,
    user: str,
    wallet: str | None = None,
) -> entries.RuleState:
    """Return a rule as contracts have it."""
    return entries.RuleState(
        rule,
        _RULE_STATES[state],  # type: ignore[arg-type]
        level,
        rearm,
        bool(enabled),
        percent,
        bool(locks),
        fixed == FIXED,
        user,
        fixed > 0,
        wallet,
    )


def lot_change_of(lot: list[Any]) -> entries.LotChange:
    """Return what happened to a lot, and the lot after it."""
    # A new lot has kind, expiry (0 is "never"), whether it may be moved and the time of its notice behind its figures;
    # one that lapses at another time has them too, without a kind.
    if len(lot) == _LOT_FIGURES:
        return entries.LotChange(*lot)
    *figures, kind, expires, transferable, notice = lot
    expires = (expires or None) if kind else expires
    return entries.LotChange(*[*figures, kind or None, expires, bool(transferable), notice])


def takes_of(found: list[Any]) -> tuple[tuple[str, int, int], ...]:
    """Return what a charge took of limits; nothing where its record, `found` after its call, has no such field."""
    return tuple([(take[0], take[1], take[2]) for take in found[0] or ()]) if found else ()


def charge_of(image: list[Any], settled: list[str], charge_id: str) -> entries.Charge:
    """Return a charge after an entry; `settled` are the recipients that the entry settled."""
    state, wallet, price, held, committed, charge_on, fee, deadline, parts, sender, recipients, _, call, *takes = image
    return entries.Charge(
        charge_id,
        _STATES[state],  # type: ignore[arg-type]
        wallet,
        price,
        held,
        committed,
        _MOMENTS[charge_on],  # type: ignore[arg-type]
        fee,
        deadline,
        tuple([(part[0], part[1]) for part in parts]),
        sender or None,
        # Lua gives a map in no order; the same entry must have the same bytes.
        dict(sorted(recipients.items())) if recipients else None,
        tuple(settled),
        call_of(call),
        takes_of(takes),
    )


def call_of(record: list[Any] | Literal[False]) -> CallTerms | None:
    """Return the terms of a call as contracts have them."""
    if not record:
        return None
    seconds, headroom, first, following, fixed, unit, denominator, mode, step, minimum, others, per_call = record
    return CallTerms(
        seconds,
        headroom,
        first,
        following,
        fixed,
        unit,
        denominator,
        _MODES[mode],  # type: ignore[arg-type]
        step,
        minimum,
        others,
        bool(per_call),
    )


def call_record(terms: CallTerms | None) -> list[int] | Literal[False]:
    """Return the terms of a call as Lua keeps them."""
    if terms is None:
        return False
    return [
        terms.seconds,
        terms.headroom_seconds,
        terms.first,
        terms.next,
        terms.fixed,
        terms.unit,
        terms.denominator,
        RoundingCode[terms.mode.upper()].value,
        terms.step_micros,
        terms.minimum,
        terms.others_micros,
        int(terms.per_call),
    ]


def block_of(  # noqa: PLR0913, PLR0917  the positions of a block in Lua
    level: int,
    block_id: str,
    causes: int,
    changed: int,
    reason: int,
    wallet: str,
    needed: int,
    until_ms: int,
    since_ms: int,
    since_seq: int,
    leg: str | None = None,
) -> entries.BlockChange:
    """Return a cause of a block that came or went, and the block after it."""
    return entries.BlockChange(
        _LEVELS[level],
        block_id,
        causes > 0,
        bool(changed),
        REASONS[reason],
        causes_of(causes),
        wallet,
        needed,
        until_ms,
        since_ms,
        since_seq,
        leg,
    )


def leg_of(  # noqa: PLR0913, PLR0917  the positions of a leg in Lua
    wallet: str,
    wallet_seq: int,
    unit: str,
    amount: int,
    held_change: int,
    available_before: int,
    held_before: int,
    overdrawn_before: int,
    available_after: int,
    held_after: int,
    overdrawn_after: int,
    lots: list[list[Any]],
) -> entries.Leg:
    """Return what an entry did to a further wallet."""
    return entries.Leg(
        wallet,
        wallet_seq,
        unit,
        amount,
        held_change,
        entries.Balance(available_before, held_before, overdrawn_before),
        entries.Balance(available_after, held_after, overdrawn_after),
        tuple([lot_change_of(lot) for lot in lots]),
    )


def make_settings(record: list[Any]) -> entries.CustomerSettings:
    """Return the settings in a customer's record."""
    version, plan, unit, time_zone, country, causes, billing_start, months, mode, *limits, rop, equipment = record
    # A worker keeps the settings of tens of thousands of customers, and there are few plans, units and zones.
    shared = (intern(plan), intern(unit), intern(time_zone), intern(country) if country else None)
    head = (version, *shared, causes_of(causes), billing_start, months)
    return entries.CustomerSettings(*[*head, mode or None, *limits, bool(rop), tuple(equipment)])
