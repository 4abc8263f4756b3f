"""Rows of figures: of what goes into `apply`, of what comes out of it, and in front of stored records.

Struct-packed, so that neither side makes a table of each.

`lua/parts/inputs.lua` and `lua/parts/emit.lua` have the same formats in the words of Lua's `struct`.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

INPUT_ROW = Struct("<BBBxHHHHHqqqq")
"""op, flags, charge_on; places of customer, wallet, charge, sender and of what else there is (0 = none); clock, price,
deadline, fee. Positions 8 to 12 of `layout.Input` have several meanings: so have the columns here."""

RESULT_ROW = Struct("<iBBBBBxHHHqqqqqqqqqq")
"""input, kind, reason, decision, state of the charge (0 = none) and when it is due; places of the names of wallet, lot
and sender (0 = none); wallet_seq, amount, held_change, available and held before, remaining and held of the lot after,
price, fee and deadline of the charge."""

CUSTOMER_HEAD = Struct("<IHI")
"""In front of a customer's record: version, causes of a block, which limits there may be."""

WALLET_HEAD = Struct("<BqqqqqqqqBBB")
"""In front of a wallet's record: `FOLDED`, the figures by `Plain` up to `WAITING`, the length of the lot's id, the id.
They stand in place of the record's own. A wallet that is not foldable has the one byte `WHOLE` in front instead."""

WHOLE, FOLDED = b"\0", b"\1"

CHARGE_ROW = Struct("<BBBqqqqq")
"""A plain charge: `PLAIN_CHARGE`, state, charge_on, price, committed, fee, deadline, touched; then wallet, lot and
sender, each with its length in 16 bits. Any other is a list by `layout.Charge`."""

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
    """Places among the names of the call's answer, 0 = not yet there."""
    LOT_PLACE = 17
