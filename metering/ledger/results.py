"""What `apply` answers, as Lua noted it. Leaves what it comes to, and the entries, to `effects` and `made`."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


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
