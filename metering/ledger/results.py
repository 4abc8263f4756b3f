"""What `apply` answers, as Lua noted it. Leaves what it comes to, and the entries, to `effects` and `made`."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from metering.ledger.codes import State
from metering.ledger.rows import RESULT_ROW


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
_decode_lists = msgspec.msgpack.Decoder(tuple[list[str], list[Result]]).decode
_IN_A_ROW, _MARKS_AT = ord("r"), 4


def decode_results(packed: bytes) -> list[Result]:
    """Return the entries of a call in their order: see lua/parts/emit.lua."""
    rows_at = _MARKS_AT + int.from_bytes(packed[:_MARKS_AT], "little")
    marks = packed[_MARKS_AT:rows_at]
    lists_at = rows_at + marks.count(_IN_A_ROW) * RESULT_ROW.size
    names, listed = _decode_lists(packed[lists_at:])
    names.insert(0, "")
    rows, lists = RESULT_ROW.iter_unpack(packed[rows_at:lists_at]), iter(listed)
    return [_of_row(names, *next(rows)) if mark == _IN_A_ROW else next(lists) for mark in marks]


def _of_row(  # noqa: PLR0913, PLR0917  the columns of a row
    names: list[str],
    entry_input: int,
    kind: int,
    reason: int,
    decision: int,
    state: int,
    charge_on: int,
    wallet_at: int,
    lot_at: int,
    sender_at: int,
    wallet_seq: int,
    amount: int,
    held_change: int,
    available: int,
    held: int,
    lot_remaining: int,
    lot_held: int,
    price: int,
    fee: int,
    deadline: int,
) -> Result:
    """Return what a row says; nothing is overdrawn, and all that changed is one lot."""
    wallet, lot = names[wallet_at], names[lot_at]
    charge: list[Any] | bool = False
    if state:
        is_held = state == State.HELD
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


decode_fragments = msgspec.msgpack.Decoder(list[bytes]).decode
