"""A chunk of inputs as one `apply` call takes it. Leaves building it to `inputs`, calling to `till`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from metering.contracts.entries import Position
from metering.ledger.carried import Carried

if TYPE_CHECKING:
    from metering.native.rows import Rows


class Chunk(Struct, frozen=True):
    """A chunk ready for `apply`: where it starts and ends, and its packed parts."""

    start: Position
    end: Position
    clock_first_ms: int
    clock_last_ms: int
    inputs: bytes
    """Rows as `rows.pack_inputs` packs them."""
    more: list[list[Any]]
    """What does not fit into rows: of an event its fields by `layout.Input` from position 13, of a command all."""
    carried: Sequence[Carried]
    carried_json: list[bytes]
    """The carried parts as their JSON, which is how they are stored."""
    digests: list[str]
    """Under which each usage event is remembered; empty for other inputs."""
    customers: list[str]
    policies: list[int]
    """Version, overdraft limit and switches of each customer, flat."""
    wallet_keys: list[str]
    wallet_names: list[str]
    charge_keys: list[str]
    sender_keys: list[str]
    state_keys: list[str]
    """Records that the inputs are likely to meet, read in one go; any other is read when it is met."""
    zones: dict[str, tuple[int, ...]]
    """Time zones that its inputs bring into the bucket."""
    compiled: Rows | None = None
    """What compiled steps know of its inputs, where they are used."""


def has_repeats(digests: Sequence[str]) -> bool:
    """Return whether an event is there twice; inputs that are no events have an empty digest."""
    events = len(digests) - digests.count("")
    return len(set(digests).difference(("",))) < events
