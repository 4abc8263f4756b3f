"""What an input carries through the ledger untouched: the part of its entry that is known before Lua decides.

Stored in the outbox as the JSON that will stand in the entry, so that a recovered entry is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import msgspec
from msgspec import Struct

from metering.contracts.entries import CommandReference, EventReference, InputReference, Position


class Carried(Struct, frozen=True, omit_defaults=True, gc=False):
    """The static fields of a `LedgerEntry`, by the same names. `position` is the one after the input."""

    position: Position
    applied_at_ms: int
    input: InputReference
    customer: str = ""
    unit: str | None = None
    price_micros: int | None = None
    charge_id: str | None = None
    event: EventReference | None = None
    command: CommandReference | None = None
    channel: str | None = None
    country: str | None = None
    quantity: int | None = None
    rates: Any = None
    rates_version: str | None = None
    sender: str | None = None
    user: str | None = None
    campaign: str | None = None
    on_behalf_of: str | None = None
    actor: str | None = None
    note: str | None = None
    terms_version: str | None = None
    reply_to: str | None = None

    def before(self) -> Position:
        """Return the position before the input: where timer effects that its clock ran stand."""
        topic: Literal["usage", "commands"] = self.input.topic
        if topic == "usage":
            return Position(self.input.offset, self.position.commands)
        return Position(self.position.usage, self.input.offset)


encode_carried = msgspec.json.Encoder().encode
decode_carried = msgspec.json.Decoder(Carried).decode


class CarriedParts(Sequence[Carried]):
    """What the inputs of a chunk carried. Those that are there only as their JSON are read when somebody asks."""

    def __init__(self, known: list[Carried | None], fragments: Sequence[bytes]) -> None:
        self._known = known
        self._fragments = fragments

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def __getitem__(self, at: int) -> Carried: ...
    @overload
    def __getitem__(self, at: slice) -> list[Carried]: ...
    def __getitem__(self, at: int | slice) -> Carried | list[Carried]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        known = self._known[at]
        if known is None:
            known = self._known[at] = decode_carried(self._fragments[at])
        return known
