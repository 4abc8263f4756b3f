"""Customers' records on their way to Redis and back: what a restore loads is what the entry told."""

from __future__ import annotations

import pytest

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
from metering.ledger.states import field_of, pack_state, read_state

STATES: list[State] = [
    LimitState("user:day:ann", "user", "day", "ann", 5, 2, 1, carry=True, starts_at_ms=7, ends_at_ms=8, blocked=("s",)),
    CounterState("month:texts", "month", "texts", 9, 7, 8),
    ReversalState("3-17", "main", 5),
    CycleState("plan", 1, 5, "nro", 9, next_at_ms=4, cancelled=True, fees=("short-code",), runs=((0, 12), (5, 1))),
    FeeState("short-code", 5, "USD", 1, 7, 8),
    ForfeitState("main", (("fro", 5, 0, 1, 0),)),
    SweepState("spam", "w17", 9, is_on=True),
    UserState("ann", "user", 5, 9, 7, 1, (("default", "armed", 1, 2, 1, 0),)),
    AllotmentsState("plan", "plan_credits", "always", "immediate", 5, 10, ("ann", "ben")),
    NumbersState("all", (("+12015550100", ""), ("+18005550100", "toll_free")), 1000),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_record_comes_back_as_it_was(state: State) -> None:
    customer, found = read_state(field_of("acme", state), pack_state(state))

    assert customer == "acme"
    assert pack_state(found) == pack_state(state)
    assert (found.id, type(found)) == (state.id, type(state))
