"""Puts the parts of a restore together, each the arguments of one call. Leaves what is in them to `records`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from msgspec import Struct

from metering.contracts.fields import MAIN_WALLET
from metering.ledger.folding import wallet_record
from metering.ledger.identity import scoped
from metering.ledger.keys import slot_of
from metering.ledger.records import (
    BlocksByWallet,
    answer_record,
    block_record,
    charge_record,
    customer_of_settings,
    event_record,
    lot_order,
    lot_record,
    pack,
    profile_or_none,
    rule_record,
)
from metering.ledger.state import (
    BlockState,
    ChargeState,
    CustomerState,
    RecordState,
    RememberedCommand,
    RememberedEvent,
    StateRecord,
    WalletState,
)
from metering.ledger.states import field_of, pack_state, state_timers
from metering.ledger.zones import zone_record


class _Lengths(dict[int, bytes]):
    """A length as it stands in front of its value."""

    def __missing__(self, length: int) -> bytes:
        return length.to_bytes(4, "little")


_LENGTHS = _Lengths({length: length.to_bytes(4, "little") for length in range(1024)})


class RestorePart(Struct):
    """One part of a restore: flat lists of field and value per hash, score and name for the timers, slots in order."""

    customers: list[bytes]
    wallets: list[bytes]
    charges: list[bytes]
    senders: list[bytes]
    timers: list[bytes]
    commands: list[bytes]
    states: list[bytes]
    zones: list[bytes]
    names: list[bytes]
    ids: list[list[bytes]]
    settled: list[list[bytes]]

    @classmethod
    def empty(cls, slots: int) -> RestorePart:
        """Return a part without anything in it, for so many slots."""
        return cls([], [], [], [], [], [], [], [], [], [[] for _ in range(slots)], [[] for _ in range(slots)])

    def arguments(self) -> list[int | bytes]:
        """Return it as arguments of `restore_chunk`: how many values are each key's, all values behind their lengths.

        One blob and not an argument a value: the client takes ten times as long for those.
        """
        lists = [
            self.customers,
            self.wallets,
            self.charges,
            self.senders,
            self.timers,
            self.commands,
            self.states,
            self.zones,
            self.names,
            *self.ids,
            *self.settled,
        ]
        values = list(chain.from_iterable(lists))
        pieces = [b""] * (2 * len(values))
        pieces[::2], pieces[1::2] = map(_LENGTHS.__getitem__, map(len, values)), values
        return [*map(len, lists), b"".join(pieces)]


class PartMaker:
    """Makes the parts of one bucket's restore."""

    def __init__(self, slots: Sequence[int], blocks: BlocksByWallet, command_window_ms: int) -> None:
        """Remembered things of slots not named are left out: forgotten."""
        self.place = {slot: n for n, slot in enumerate(slots)}
        self.blocks = blocks
        self.zones: set[str] = set()
        """Time zones that a part has brought."""
        self._command_window_ms = command_window_ms

    def empty(self) -> RestorePart:
        """Return a part without anything in it."""
        return RestorePart.empty(len(self.place))

    def make(self, records: Sequence[StateRecord]) -> RestorePart:
        """Return the part that holds `records`."""
        part = self.empty()
        for record in records:
            self._add(part, record)
        return part

    def add_zone(self, part: RestorePart, time_zone: str) -> None:
        """Bring a time zone, if none has yet."""
        if time_zone not in self.zones:
            self.zones.add(time_zone)
            part.zones += (time_zone.encode(), pack(zone_record(time_zone)))

    def _add(self, part: RestorePart, record: StateRecord) -> None:  # noqa: C901  one case for each kind of record
        match record:
            case CustomerState(customer, settings):
                part.customers += (customer.encode(), customer_of_settings(settings))
                self.add_zone(part, settings.time_zone)
            case RecordState(customer, state):
                part.states += (field_of(customer, state).encode(), pack_state(state))
                for due_ms, name in state_timers(customer, state):
                    part.timers += (b"%d" % due_ms, name.encode())
            case WalletState():
                self._add_wallet(part, record)
            case ChargeState():
                self._add_charge(part, record)
            case BlockState():
                if record.level == "sender":
                    part.senders += (scoped(record.customer, record.id).encode(), pack(block_record(record)))
            case RememberedEvent():
                at = self.place.get(slot_of(record.applied_at_ms))
                if at is not None:
                    part.ids[at] += (record.digest.encode(), event_record(record))
            case RememberedCommand():
                key = scoped(record.customer, record.id).encode()
                part.commands += (key, pack(answer_record(record)))
                part.timers += (b"%d" % (record.applied_at_ms + self._command_window_ms), b"c\0%b" % key)

    def _add_wallet(self, part: RestorePart, state: WalletState) -> None:
        name = scoped(state.customer, state.wallet)
        lots: list[Sequence[Any]] = [lot_record(lot) for lot in state.lots]
        rules = [rule_record(rule) for rule in state.rules]
        credit, held = add_lots(part, name, lots)
        record = [
            state.unit,
            state.wallet_seq,
            credit,
            held + state.held_over_micros,
            state.overdrawn_micros,
            state.held_over_micros,
            self.blocks.wallets.get(name, False),
            lots,
            rules,
            state.last_top_up_micros,
            profile_or_none(state.profile),
            self.blocks.senders.get(name, ()),
        ]
        key = name.encode()
        part.wallets += (key, wallet_record(record))
        if state.wallet != MAIN_WALLET:
            part.names += (b"0", key)

    def _add_charge(self, part: RestorePart, state: ChargeState) -> None:
        charge = state.charge
        key = scoped(state.customer, charge.id).encode()
        if charge.state == "held":
            part.charges += (key, charge_record(state))
            part.timers += (b"%d" % charge.deadline_at_ms, b"h\0%b" % key)
        else:
            at = self.place.get(slot_of(state.touched_at_ms))
            if at is not None:
                part.settled[at] += (key, charge_record(state))


def add_lots(part: RestorePart, name: str, lots: list[Sequence[Any]]) -> tuple[int, int]:
    """Put the lots of a wallet, each by `layout.Lot`, into the order of use, and add their timers.

    Returns what remains in them, and what is held of them.
    """
    if len(lots) > 1:
        lots.sort(key=lot_order)
    remaining = held = 0
    for lot in lots:
        remaining += lot[2]
        held += lot[3]
        # What has expired while it was held has had its timer; it lapses when it is released.
        if lot[4] > 0:
            part.timers += (b"%d" % lot[4], f"l\0{name}\0{lot[0]}".encode())
        if lot[7] > 0:
            part.timers += (b"%d" % lot[7], f"e\0{name}\0{lot[0]}".encode())
    return remaining, held
