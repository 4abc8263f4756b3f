"""Counted prices of random histories, made of a move's choices. Leaves what else an event says to `event_moves`."""

from __future__ import annotations

from dataclasses import replace

from tests.ledger.history.world import COUNTER_LINES, Choices
from tests.ledger_model import inputs as model
from tests.ledger_model.counted import Counted, Line, Person, Use

MODES = ("half_up", "up", "down", "half_even")
DEAREST = 10**9
"""Per unit: no sum comes near to what Lua counts exactly."""


def with_counters(given: model.Input, choices: Choices, amount: int) -> model.Input:
    """The event, priced by counters instead: one line for all, and here and there a second."""
    assert isinstance(given, model.Event)
    lines = tuple(_line(choices, amount) for _ in range(choices.of(1, 1, 2)))
    if not isinstance(given, model.Submission) or given.recipients is None:
        return replace(given, counted=Counted(lines, (_person(choices, "", len(lines), has_all=True),)), price=0)  # type: ignore[call-arg]
    names = [*given.recipients][: choices.of(3, 3, 2, 1)]
    people = tuple(_person(choices, name, len(lines), has_all=name == names[0]) for name in names)
    return replace(given, counted=Counted(lines, people), price=0, recipients=dict.fromkeys(names, 0))


def _person(choices: Choices, name: str, lines: int, *, has_all: bool) -> Person:
    places = tuple(range(lines)) if has_all else choices.of(tuple(range(lines)), (lines - 1,))
    return Person(name, choices.of(0, 0, 0, 4), places)


def _line(choices: Choices, amount: int) -> Line:
    quantity = choices.of(1, 2, 3, 7, 0)
    denominator = choices.of(1, 1, 3, 60)
    price = choices.of(1, 2, 5, min(DEAREST, amount // max(1, quantity)))
    return Line(
        quantity=quantity,
        fixed=choices.of(0, 0, 1, 7),
        unit=price * denominator,
        denominator=denominator,
        minimum=choices.of(0, 0, 3),
        mode=choices.of(*MODES),
        step=choices.of(1, 1, 5),
        uses=tuple(_use(choices, price, *use) for use in choices.of(*COUNTER_LINES)),
    )


def _use(choices: Choices, price: int, window: str, name: str, mode: str) -> Use:
    if mode == "included":
        return Use(window, name, mode, limit=choices.of(3, 8, 20))
    steps: tuple[tuple[int | None, int], ...] = ((2, price + 1), (5, price), (11, 1), (None, 0))
    return Use(window, name, mode, steps=steps[choices.of(0, 1, 2, 3) :])
