"""What `apply` answers, as Lua noted it. Leaves what it comes to, and the entries, to `effects` and `made`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from struct import Struct as Numbers
from typing import Any

import msgspec
from msgspec import Struct, structs

from metering.ledger.codes import State
from metering.ledger.layout import Limit
from metering.ledger.rows import CHARGE_ON_AT, RESULT_ROW


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
    allotment: list[Any] | None = None
    profile: list[Any] | None = None
    duplicate_of: int | None = None
    price: int | None = None
    amounts: list[int] = []
    granted: list[int] | None = None
    first_answer: list[Any] | None = None


class Result(Struct, frozen=True, array_like=True, gc=False):
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
_decode_lists = msgspec.msgpack.Decoder(tuple[list[Result], list[tuple[int, str, list[Any], int]]]).decode
_HEAD, _FIGURE = Numbers("<III"), Numbers("<q")
IN_A_ROW, _LIMITED = ord("r"), ord("t")


def count_entries(packed: bytes) -> int:
    """Return how many entries a call has made, of what it answered."""
    entries: int = _HEAD.unpack_from(packed)[0]
    return entries


class PackedResults:
    """The entries of a call as lua/parts/emit.lua packs them: what each is, the rows, names, and all others.

    What stands behind the rows is read when it is asked for: most calls have nothing but plain entries, and are small.
    """

    def __init__(self, packed: bytes) -> None:
        entries, self._figures, names_size = _HEAD.unpack_from(packed)
        self._packed = packed
        rows_at = self.rows_at = _HEAD.size + entries
        """Where the first row is in the answer."""
        marks = self.marks = packed[_HEAD.size : rows_at]
        """In the entries' order: `IN_A_ROW`, or anything else for one that is among the others."""
        self._limited_at = rows_at + marks.count(IN_A_ROW) * RESULT_ROW.size
        self._figures_at = self._limited_at + marks.count(_LIMITED) * RESULT_ROW.size
        self._names_at = self._figures_at + 8 * self._figures
        self._lists_at = self._names_at + names_size
        self.packed_names = packed[self._names_at : self._lists_at]
        """All of `names` but the first, with U+0000 between."""

    @cached_property
    def rows(self) -> Iterator[tuple[int, ...]]:
        """By `rows.RESULT_ROW`; `result_of_row` has what the columns are."""
        return RESULT_ROW.iter_unpack(self._packed[self.rows_at : self._limited_at])

    @cached_property
    def names(self) -> list[str]:
        """By their places in rows; the one at 0 is empty."""
        return ["", *self.packed_names.decode().split("\0")]

    @cached_property
    def others(self) -> Iterator[Result]:
        """The entries that are not in rows alone, in their order."""
        packed = self._packed
        listed, limits = _decode_lists(packed[self._lists_at :])
        if not self._figures:
            return iter(listed)
        rows, figures = packed[self._limited_at : self._figures_at], packed[self._figures_at : self._names_at]
        return _in_order(self.marks, iter(listed), _limited(self.names, rows, figures, limits))


def _in_order(marks: bytes, listed: Iterator[Result], limited: Iterator[Result]) -> Iterator[Result]:
    """Yield the entries that are not in rows alone, in their order."""
    for mark in marks:
        if mark != IN_A_ROW:
            yield next(limited if mark == _LIMITED else listed)


def _limited(
    names: list[str], rows: bytes, figures: bytes, limits: list[tuple[int, str, list[Any], int]]
) -> Iterator[Result]:
    """Yield the entries that counted in limits: each tells of the limits after it, of which it says what is used."""
    left = chain.from_iterable(_FIGURE.iter_unpack(figures))
    for row in RESULT_ROW.iter_unpack(rows):
        states = []
        for _ in range(next(left)):
            kind, state_id, record, gone = limits[next(left) - 1]
            now = record.copy()
            now[Limit.USED - 1] = next(left)
            states.append((kind, state_id, now, gone))
        yield structs.replace(result_of_row(names, *row), extras=Extras(states=states))


def decode_results(packed: bytes) -> list[Result]:
    """Return the entries of a call in their order."""
    results = PackedResults(packed)
    rows, names, others = results.rows, results.names, results.others
    return [result_of_row(names, *next(rows)) if mark == IN_A_ROW else next(others) for mark in results.marks]


def result_of_row(  # noqa: PLR0913, PLR0917  the columns of a row
    names: list[str],
    entry_input: int,
    kind: int,
    reason: int,
    decision: int,
    charge_state: int,
    wallet_at: int,
    lot_at: int,
    sender_at: int,
    available: int,
    held: int,
    wallet_seq: int,
    amount: int,
    lot_remaining: int,
    lot_held: int,
    held_change: int,
    fee: int,
    deadline: int,
) -> Result:
    """Return what a row says; nothing is overdrawn, and all that changed is one lot."""
    wallet, lot = names[wallet_at], names[lot_at]
    charge: list[Any] | bool = False
    if charge_state:
        charge_on, state = divmod(charge_state, CHARGE_ON_AT)
        is_held = state == State.HELD
        price = abs(held_change) or -amount
        held_price, spent = (price, 0) if is_held else (0, price if state == State.COMMITTED else 0)
        parts = [[lot, price]] if is_held else []
        sender = names[sender_at] or False
        charge = [state, wallet, price, held_price, spent, charge_on, fee, deadline, parts, sender, False, 0, False]
    return Result(
        entry_input,
        kind,
        reason,
        decision,
        wallet_seq,
        amount,
        held_change,
        available,
        held,
        0,
        available + amount - held_change,
        held + held_change,
        0,
        [[lot, amount, held_change, lot_remaining, lot_held]] if lot_at else [],
        wallet,
        charge,
        extras=False,
    )
