"""Customers' records (`contracts.states`) to and from the lists that Lua keeps. Leaves wallets to `records`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_type_hints

import msgspec

from metering.contracts.states import (
    AllotmentsState,
    CounterState,
    CycleState,
    FeeState,
    ForfeitState,
    LimitState,
    NumbersState,
    ReversalState,
    State,
    SweepState,
    UserState,
)
from metering.ledger.codes import StateKind
from metering.ledger.identity import SEPARATOR, scoped, state_field

_TYPES: dict[int, type[State]] = {
    StateKind.LIMIT.value: LimitState,
    StateKind.REVERSAL.value: ReversalState,
    StateKind.CYCLE.value: CycleState,
    StateKind.FEE.value: FeeState,
    StateKind.FORFEIT.value: ForfeitState,
    StateKind.NUMBERS.value: NumbersState,
    StateKind.SWEEP.value: SweepState,
    StateKind.COUNTER.value: CounterState,
    StateKind.USER.value: UserState,
    StateKind.ALLOTMENTS.value: AllotmentsState,
}
_KINDS = {cls: kind for kind, cls in _TYPES.items()}
_FLAGS = {
    cls: tuple(get_type_hints(cls)[name] is bool for name in cls.__struct_fields__[1:-1]) for cls in _TYPES.values()
}
"""Which fields of the list are flags: Lua keeps them as 0 and 1."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


def make_state(kind: int, state_id: str, record: list[Any], gone: int = 0) -> State:
    """Return the record that Lua notes as `{kind, id, list, gone}`; one that is gone tells what it was."""
    cls = _TYPES[kind]
    fields = [bool(value) if flag else _frozen(value) for value, flag in zip(record, _FLAGS[cls], strict=True)]
    make: Callable[..., State] = cls
    return make(state_id, *fields, bool(gone))


def _frozen(value: Any) -> Any:
    """Return a list as the tuple that the types have."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def field_of(customer: str, state: State) -> str:
    """Return the hash field of a record."""
    return state_field(customer, _KINDS[type(state)], state.id)


def pack_state(state: State) -> bytes:
    """Return a record as Lua keeps it."""
    values = [getattr(state, name) for name in state.__struct_fields__[1:-1]]
    return _pack([int(value) if isinstance(value, bool) else value for value in values])


def read_state(field: str, packed: bytes) -> tuple[str, State]:
    """Return the customer and the record of a hash field."""
    customer, kind, state_id = field.split(SEPARATOR, 2)
    return customer, make_state(int(kind), state_id, _unpack(packed))


def state_timers(customer: str, state: State) -> Iterable[tuple[int, str]]:
    """Return the timers that a record implies, as (due, name): a restore sets them again."""
    match state:
        case LimitState(ends_at_ms=due_ms) if state.blocked and due_ms:
            yield due_ms, scoped("w", scoped(customer, state.id))
        case UserState(next_at_ms=due_ms) if due_ms > 0:
            yield due_ms, f"u\0{customer}\0{state.id}"
        case CycleState(next_at_ms=due_ms) if due_ms > 0:
            yield due_ms, f"y\0{customer}"
        case FeeState(due_at_ms=due_ms):
            yield due_ms, f"z\0{customer}\0{state.id}"
        case SweepState(due_at_ms=due_ms):
            yield due_ms, f"s\0{customer}\0{state.id}"
