"""Rows of figures: of what goes into `apply`, of what comes out of it, and in front of stored records.

Packed in their order, so that neither side makes a table of each.

`lua/parts/inputs.lua` and `lua/parts/emit.lua` have the same formats in the words of Lua's `struct`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from struct import Struct

import msgspec


class Shape(IntEnum):
    """What an input is, as one number: op, charge_on, flags and the place of what else there is, each times this."""

    CHARGE_ON = 2**7
    FLAGS = 2**9
    MORE = 2**15


_CHARGE_ON, _FLAGS, _MORE = Shape.CHARGE_ON.value, Shape.FLAGS.value, Shape.MORE.value  # quicker than the enum's own

InputRow = tuple[int, int, int, int, int, int, int, int, int]
"""Shape; places of customer, wallet, charge and sender (0 = none); clock, price, deadline, fee.
Positions 8 to 12 of `layout.Input` have several meanings: so have the columns here."""

_CLOCK = 5
"""The place of an input's clock in its row."""

_pack = msgspec.msgpack.Encoder().encode
_FEW, _MANY = 16, 65_536


def shape(op: int, charge_on: int, flags: int, more_at: int) -> int:
    """Return the shape of an input."""
    return op + _CHARGE_ON * charge_on + _FLAGS * flags + _MORE * more_at


class RowList(list[InputRow]):
    """The rows of a chunk as they come. Compiled steps have another of the same face, which packs them at once."""

    @property
    def clock_first_ms(self) -> int:
        """The clock of the first input; 0 where there is none."""
        return self[0][_CLOCK] if self else 0

    @property
    def clock_last_ms(self) -> int:
        """The clock of the last input; 0 where there is none."""
        return self[-1][_CLOCK] if self else 0

    def pack(self) -> bytes:
        """Return the rows as Lua takes them."""
        return pack_inputs(self)


def pack_inputs(rows: Sequence[InputRow]) -> bytes:
    """Return the rows as MessagePack lists, one after the other: all packed at once, without the head of that list."""
    count = len(rows)
    return _pack(rows)[1 if count < _FEW else 3 if count < _MANY else 5 :]


RESULT_ROW = Struct("<HBBBBHHHqqqqqqqqq")
"""input, kind, reason, decision; state of the charge (0 = none) + `CHARGE_ON_AT` * when it is due; places of the names
of wallet, lot and sender (0 = none); available and held before, wallet_seq, amount, remaining and held of the lot
after, held_change, fee and deadline of the charge, whose price is what was taken or held."""

CHARGE_ON_AT = 16

CUSTOMER_HEAD = Struct("<IHI")
"""In front of a customer's record: version, causes of a block, which limits there may be."""

WALLET_HEAD = Struct("<BqqqqqqqqBBB")
"""In front of a wallet's record: `FOLDED`; what a charge changes: seq, credit, held, remaining and held of the lot;
floor, ceiling, soonest, place, waiting (see `Plain`); the length of the lot's id, the id.
They stand in place of the record's own. A wallet that is not foldable has the one byte `WHOLE` in front instead."""

WHOLE, FOLDED = b"\0", b"\1"

CHARGE_HEAD, CHARGE_REST = Struct("<BBBq"), Struct("<qqq")
"""A plain charge: `PLAIN_CHARGE`, state, charge_on, touched; wallet; price, fee, deadline; lot, sender. Names have
U+0000 behind them, which no name has. Any other is a list by `layout.Charge`."""

PLAIN_CHARGE = 1


class Plain(IntEnum):
    """Positions in the figures of a wallet in good order (lua/parts/folding.lua)."""

    SEQ = 1
    CREDIT = 2
    HELD = 3
    FLOOR = 4
    """Nothing happens while more than this is available; see `CEILING`."""
    CEILING = 5
    """Nothing happens while less than this is available: no rule is armed again."""
    SOONEST = 6
    """When the first of its lots lapses."""
    REMAINING = 7
    """Of the first lot with free credit, as are the next."""
    LOT_HELD = 8
    PLACE = 9
    WAITING = 10
    """1 where senders are blocked for want of credit in it."""
    LOT = 11
    PACKED = 12
    """The record that the figures were read from, and where what is behind them begins; false if made of `WHOLE`."""
    REST = 13
    WHOLE = 14
    CHANGED = 15
    NAME_PLACE = 16
    """Its place among the names of the call's answer, 0 = not yet there; then with the lot's, as a row has both."""
    NAME_PLACES = 17
