"""What `apply` answers, and the ledger entries made of it. Leaves decisions and alerts to the worker's outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from metering.contracts import entries
from metering.contracts.reasons import AlertType, Kind, Reason
from metering.contracts.states import State
from metering.contracts.wallets import WalletProfile
from metering.errors import ensure
from metering.ledger.carried import Carried, decode_carried
from metering.ledger.codes import KINDS, REASONS, AlertCode
from metering.ledger.entry_parts import block_of, charge_of, granted_of, leg_of, lot_change_of, make_settings, rule_of
from metering.ledger.profiles import make_profile
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
    profile: list[Any] | None = None
    duplicate_of: int | None = None
    price: int | None = None
    amounts: list[int] = []
    granted: list[int] | None = None
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
    profile: WalletProfile | None = None
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
        price_micros=more.price,
        line_amounts_micros=tuple(more.amounts),
        before=entries.Balance(result.available_before, result.held_before, result.overdrawn_before)
        if on_wallet
        else None,
        after=entries.Balance(result.available_after, result.held_after, result.overdrawn_after) if on_wallet else None,
        lots=tuple([lot_change_of(lot) for lot in result.lots]) if result.lots else (),
        legs=tuple(leg_of(*leg) for leg in more.legs),
        charge=charge_of(result.charge, more.settled, more.charge or about.charge_id or "")
        if isinstance(result.charge, list)
        else None,
        reason=REASONS[result.reason] if result.reason else None,
        decision=DECISIONS[result.decision],
        duplicate_of=more.duplicate_of,
        granted=granted_of(more.granted) if more.granted else None,
        alerts=tuple(entries.AlertRaised(_ALERTS[code], *about_it) for code, *about_it in more.alerts),
        rules=tuple([rule_of(*rule) for rule in more.rules]),
        blocks=tuple(block_of(*block) for block in more.blocks),
        settings=make_settings(more.settings) if more.settings else None,
        states=tuple([make_state(*state) for state in more.states]),
        profile=make_profile(more.profile) if more.profile else None,
        due_at_ms=more.due_at_ms,
    )
