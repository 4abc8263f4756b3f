"""What `apply` answers, and the ledger entries made of it. Leaves decisions and alerts to the worker's outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from metering.contracts import entries
from metering.contracts.reasons import AlertType, BlockLevel, Kind, Reason
from metering.contracts.states import State
from metering.errors import ensure
from metering.ledger.carried import Carried, decode_carried
from metering.ledger.codes import KINDS, REASONS, Moment, RuleStateCode, State as ChargeCode, causes_of
from metering.ledger.states import make_state


class Extras(Struct, frozen=True, omit_defaults=True):
    """The parts of a result that few entries have. Positional lists are as the Lua notes them."""

    customer: str | None = None
    charge: str | None = None
    sender: str | None = None
    due_at_ms: int | None = None
    alerts: list[list[Any]] = []
    rules: list[list[Any]] = []
    blocks: list[list[Any]] = []
    legs: list[list[Any]] = []
    settled: list[str] = []
    settings: list[Any] | None = None
    states: list[tuple[int, str, list[Any], int]] = []
    duplicate_of: int | None = None
    first_answer: list[Any] | None = None


class Result(Struct, frozen=True, array_like=True):
    """One entry as Lua decided it. `input` counts from 1; negative: a timer effect run by that input's clock."""

    input: int
    kind: int
    reason: int
    decision: int
    wallet_seq: int
    amount: int
    held_change: int
    available_before: int
    held_before: int
    overdrawn_before: int
    available_after: int
    held_after: int
    overdrawn_after: int
    lots: list[list[Any]]
    wallet: str | bool
    charge: list[Any] | bool
    extras: Extras | bool

    def more(self) -> Extras:
        """Return the extras, empty where there are none."""
        return self.extras if isinstance(self.extras, Extras) else _NOTHING_MORE


_NOTHING_MORE = Extras()
decode_results = msgspec.msgpack.Decoder(list[Result]).decode
decode_fragments = msgspec.msgpack.Decoder(list[bytes]).decode

_NEW_LOT_FIELDS = 7

DECISIONS = (None, "allowed", "denied")
_STATES = {state.value: state.name.lower() for state in ChargeCode}
_MOMENTS = {Moment.SUBMIT.value: "submit", Moment.SENT.value: "sent", Moment.DELIVERED.value: "delivered"}
_RULE_STATES = {state.value: state.name.lower() for state in RuleStateCode}
_LEVELS = {1: BlockLevel.CUSTOMER, 2: BlockLevel.WALLET, 3: BlockLevel.SENDER}
_ALERTS = {1: AlertType.CREDIT_LOW, 2: AlertType.CREDIT_RECOVERED}


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
    before: entries.Balance | None = None
    after: entries.Balance | None = None
    lots: tuple[entries.LotChange, ...] = ()
    legs: tuple[entries.Leg, ...] = ()
    charge: entries.Charge | None = None
    reason: Reason | None = None
    decision: str | None = None
    duplicate_of: int | None = None
    alerts: tuple[entries.AlertRaised, ...] = ()
    rules: tuple[entries.RuleState, ...] = ()
    blocks: tuple[entries.BlockChange, ...] = ()
    settings: entries.CustomerSettings | None = None
    states: tuple[State, ...] = ()
    due_at_ms: int | None = None


class EntryMade(Struct, frozen=True):
    """An entry with all that outputs are made of: the effect, what its input carried, and its bytes."""

    effect: Effect
    carried: Carried
    result: Result
    value: bytes

    @property
    def is_timer(self) -> bool:
        """Whether it is a timer effect, which answers nobody."""
        return self.result.input < 0


_encode = msgspec.json.Encoder().encode


def make_entries(
    bucket: int, first_seq: int, chunk: str, prev_chunk: str, results: list[Result], carried: list[Carried]
) -> Iterator[EntryMade]:
    """Yield the entries of a chunk in their order. The same arguments always give the same bytes."""
    previous = prev_chunk
    for number, result in enumerate(results):
        ensure(result.input != 0, "an entry without an input")
        about = carried[abs(result.input) - 1]
        effect = _effect(bucket, first_seq + number, chunk, previous, result, about)
        if result.input < 0:
            about = _timer_carried(about, result.more())
        yield EntryMade(effect, about, result, b"%s,%s" % (_encode(effect)[:-1], _encode(about)[1:]))
        previous = chunk


def read_fragments(fragments: bytes) -> list[Carried]:
    """Return what the inputs of a stored chunk carried."""
    return [decode_carried(fragment) for fragment in decode_fragments(fragments)]


def _timer_carried(about: Carried, more: Extras) -> Carried:
    """Return what a timer effect carries: it stands before the input whose clock ran it."""
    return Carried(
        position=about.before(),
        applied_at_ms=about.applied_at_ms,
        input=about.input,
        customer=more.customer or "",
        charge_id=more.charge,
        sender=more.sender,
    )


def _effect(bucket: int, seq: int, chunk: str, prev_chunk: str, result: Result, about: Carried) -> Effect:
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
        before=entries.Balance(result.available_before, result.held_before, result.overdrawn_before)
        if on_wallet
        else None,
        after=entries.Balance(result.available_after, result.held_after, result.overdrawn_after) if on_wallet else None,
        lots=tuple([_lot_change(lot) for lot in result.lots]) if result.lots else (),
        legs=tuple(_leg(*leg) for leg in more.legs),
        charge=_charge(result.charge, more, more.charge or about.charge_id or "")
        if isinstance(result.charge, list)
        else None,
        reason=REASONS[result.reason] if result.reason else None,
        decision=DECISIONS[result.decision],
        duplicate_of=more.duplicate_of,
        alerts=tuple(entries.AlertRaised(_ALERTS[code], *about_it) for code, *about_it in more.alerts),
        rules=tuple(
            entries.RuleState(rule, _RULE_STATES[state], level, rearm, bool(enabled), *leg)  # type: ignore[arg-type]
            for rule, state, level, rearm, enabled, *leg in more.rules
        ),
        blocks=tuple(_block(*block) for block in more.blocks),
        settings=make_settings(more.settings) if more.settings else None,
        states=tuple([make_state(*state) for state in more.states]),
        due_at_ms=more.due_at_ms,
    )


def _lot_change(lot: list[Any]) -> entries.LotChange:
    # A new lot has kind and expiry behind its figures; 0 is "never".
    is_new = len(lot) == _NEW_LOT_FIELDS
    return entries.LotChange(*lot[:-1]) if is_new and not lot[-1] else entries.LotChange(*lot)


def _charge(image: list[Any], more: Extras, charge_id: str) -> entries.Charge:
    state, wallet, price, held, committed, charge_on, fee, deadline, parts, sender, recipients, _ = image
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
        tuple(more.settled),
    )


def _block(  # noqa: PLR0913, PLR0917  the positions of a block in Lua
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


def _leg(  # noqa: PLR0913, PLR0917  the positions of a leg in Lua
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
    return entries.Leg(
        wallet,
        wallet_seq,
        unit,
        amount,
        held_change,
        entries.Balance(available_before, held_before, overdrawn_before),
        entries.Balance(available_after, held_after, overdrawn_after),
        tuple([_lot_change(lot) for lot in lots]),
    )


def make_settings(record: list[Any]) -> entries.CustomerSettings:
    """Return the settings in a customer's record."""
    version, plan, unit, time_zone, country, causes, *cycle = record
    return entries.CustomerSettings(version, plan, unit, time_zone, country or None, causes_of(causes), *cycle)
