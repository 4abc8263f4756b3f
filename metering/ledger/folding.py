"""Makes a wallet's record as Lua does: of one in good order the figures that a charge needs in front, all else behind.

So that the first charge after a restore is no dearer than the next: to make the figures of a whole record takes Redis
as long as a charge itself. Leaves what the figures mean, and when a wallet is in good order, to lua/parts/folding.lua.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from metering.ledger.codes import RuleStateCode
from metering.ledger.rows import FOLDED, WALLET_HEAD, WHOLE
from metering.ledger.wallet_codes import WalletStateCode

_pack = msgspec.msgpack.Encoder().encode
_pack_head = WALLET_HEAD.pack
_FORM = FOLDED[0]
_ACTIVE, _ARMED = WalletStateCode.ACTIVE.value, RuleStateCode.ARMED.value
_NEVER = 2**53


def wallet_record(record: list[Any]) -> bytes:
    """Return a wallet's record, given as a list by `layout.Wallet`: the bytes that Lua makes of it."""
    unit, seq, credit, held, overdrawn, held_over, block, lots, rules, topped_up, profile, blocked = record
    if overdrawn or held_over or block or (profile and profile[0] != _ACTIVE):
        return WHOLE + _pack(record)
    place = 0
    for lot in lots:
        if lot[2] > lot[3]:
            break
        place += 1
    else:
        return WHOLE + _pack(record)
    lot_id, kind, remaining, lot_held, expires, made, transferable, notice = lot
    bare: list[Any] = [(lot_id, kind, 0, 0, expires, made, transferable, notice)]
    soonest = expires or _NEVER
    if len(lots) > 1:
        bare = [*lots[:place], *bare, *lots[place + 1 :]]
        soonest = min([each[4] or _NEVER for each in lots])
    floor, ceiling = _quiet_range(rules) if rules else (0, _NEVER)
    name: bytes = lot_id.encode()
    head = _pack_head(
        _FORM, seq, credit, held, remaining, lot_held, floor, ceiling, soonest, place + 1, len(blocked) > 0, len(name)
    )
    return head + name + _pack((unit, 0, 0, 0, 0, 0, False, bare, rules, topped_up, profile, blocked))


def _quiet_range(rules: Sequence[Sequence[Any]]) -> tuple[int, int]:
    """Return above which level nothing happens when the credit falls, and below which nothing when it rises."""
    floor, ceiling = 0, _NEVER
    for _, state, level, rearm, enabled, _, locks, *_ in rules:
        is_armed = enabled == 1 and state == _ARMED
        if (is_armed or locks == 1) and level > floor:
            floor = level
        if enabled == 1 and not is_armed and rearm < ceiling:
            ceiling = rearm
    return floor, ceiling
