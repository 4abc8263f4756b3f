"""Builds the chunk that one `apply` call takes: rows of numbers, names listed once. Leaves prices to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from metering.contracts.entries import CallTerms, Position
from metering.ledger.carried import Carried, encode_carried
from metering.ledger.codes import Moment, Op, StateKind
from metering.ledger.counted import Counted
from metering.ledger.entry_parts import call_record
from metering.ledger.identity import scoped, state_field
from metering.ledger.layout import Input
from metering.ledger.zones import zone_record

_pack = msgspec.msgpack.Encoder().encode

NO_PRICE = -1
"""An outcome that cannot be priced by its own fields."""


class CustomerPolicy(Struct, frozen=True, gc=False):
    """What Lua needs to know of a customer, as priced: `version` 0 = unknown. Amounts in micro-units."""

    version: int
    overdraft_limit_micros: int = 0
    switches: int = 0
    """Bits of `codes.Switch`."""


UNKNOWN = CustomerPolicy(0)

Acting = tuple[str | None, str | None, str | None]
"""The user, the campaign and the sender of an event: what a customer's limits are found by."""


class Chunk(Struct, frozen=True):
    """A chunk ready for `apply`: where it starts and ends, and its packed parts."""

    start: Position
    end: Position
    clock_first_ms: int
    clock_last_ms: int
    inputs: bytes
    carried: list[Carried]
    fragments: bytes
    """The carried parts as stored: MessagePack list of JSON texts."""
    customers: list[tuple[str, int, int, int]]
    wallet_keys: list[str]
    wallet_names: list[str]
    charge_keys: list[str]
    sender_keys: list[str]
    state_keys: list[str]
    """Records that the inputs are likely to meet, read in one go; any other is read when it is met."""
    zones: dict[str, tuple[int, ...]]
    """Time zones that its inputs bring into the bucket."""


class ChunkBuilder:
    """Collects the inputs of one bucket in their order. `start` is the position before the first.

    A wallet, charge, sender or command is named within its customer. Times are Unix milliseconds, `ts` is the input's
    clock and must not fall. Interrupted at any point nothing has happened: it holds memory only.
    """

    def __init__(self, start: Position) -> None:
        self.start = start
        self.rows: list[tuple[Any, ...]] = []
        self.carried: list[Carried] = []
        self._fragments: list[bytes] = []
        self._customers: dict[str, int] = {}
        self._customer_list: list[tuple[str, int, int, int]] = []
        self._wallets: dict[str, int] = {}
        self._wallet_names: list[str] = []
        self._charges: dict[str, int] = {}
        self._senders: dict[str, int] = {}
        self._states: dict[str, None] = {}
        self._counted: list[Any] | None = None
        self._zones: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def tick(self, ts: int, carried: Carried) -> None:
        """Add a tick: the clock runs, and it has no entry of its own."""
        self._add((Op.TICK.value, ts), carried)

    def submit(  # noqa: PLR0913  the columns of its row
        self,
        ts: int,
        carried: Carried,
        policy: CustomerPolicy,
        digest: str,
        *,
        wallet: str,
        charge: str | None,
        sender: str | None,
        price: int,
        charge_on: int,
        deadline_at_ms: int,
        failed_fee: int,
        flags: int,
        recipients: Mapping[str, int] | None = None,
        call: CallTerms | None = None,
        acting: Acting | None = None,
    ) -> None:
        """Add a submission or a received event; `charge` may be None only where it is charged on submit."""
        head = self._head(Op.SUBMIT.value, ts, carried.customer, policy, wallet, charge, sender, digest)
        # Flat, because their order decides who is granted, and a map has none in Lua.
        prices = [part for pair in recipients.items() for part in pair] if recipients else False
        fields = (price, charge_on, deadline_at_ms, failed_fee, flags, prices, call_record(call))
        self._add((*head, *fields), carried, acting)

    def extend(  # noqa: PLR0913  the columns of its row
        self,
        ts: int,
        carried: Carried,
        policy: CustomerPolicy,
        digest: str,
        *,
        wallet: str,
        charge: str,
        sender: str | None,
        seconds: int,
        price: int,
        deadline_at_ms: int,
        acting: Acting | None = None,
    ) -> None:
        """Add more seconds of a call; `price` is their own, for a call whose charge keeps no terms."""
        head = self._head(Op.EXTEND.value, ts, carried.customer, policy, wallet, charge, sender, digest)
        self._add((*head, price, 0, deadline_at_ms, seconds), carried, acting)

    def outcome(  # noqa: PLR0913  the columns of its row
        self,
        ts: int,
        carried: Carried,
        policy: CustomerPolicy,
        digest: str,
        *,
        wallet: str,
        charge: str,
        moment: Moment,
        price: int = NO_PRICE,
        charge_on: int = Moment.SENT.value,
        actual: bool = False,
        to: str | None = None,
        acting: Acting | None = None,
    ) -> None:
        """Add what became of a charge. `price` is the event's own; `actual` says that it replaces the agreed one."""
        head = self._head(Op.OUTCOME.value, ts, carried.customer, policy, wallet, charge, None, digest)
        self._add((*head, price, charge_on, moment.value, 0, int(actual), to or False), carried, acting)

    def end_call(  # noqa: PLR0913  the columns of its row
        self,
        ts: int,
        carried: Carried,
        policy: CustomerPolicy,
        digest: str,
        *,
        wallet: str,
        charge: str,
        seconds: int,
        price: int,
        acting: Acting | None = None,
    ) -> None:
        """Add the end of a call; `price` is that of the seconds used, for a call whose charge keeps no terms."""
        head = self._head(Op.END.value, ts, carried.customer, policy, wallet, charge, None, digest)
        self._add((*head, price, 0, 0, seconds), carried, acting)

    def record(  # noqa: PLR0913  the columns of its row
        self,
        ts: int,
        carried: Carried,
        policy: CustomerPolicy,
        digest: str,
        *,
        wallet: str,
        sender: str | None,
        price: int,
        acting: Acting | None = None,
    ) -> None:
        """Add usage that has already happened."""
        head = self._head(Op.RECORD.value, ts, carried.customer, policy, wallet, None, sender, digest)
        self._add((*head, price), carried, acting)

    def adjust_charge(
        self,
        ts: int,
        carried: Carried,
        policy: CustomerPolicy,
        digest: str,
        *,
        wallet: str,
        charge: str,
        amount: int,
    ) -> None:
        """Add a late correction of a charge: plus makes it dearer, minus gives back."""
        head = self._head(Op.ADJUST_CHARGE.value, ts, carried.customer, policy, wallet, charge, None, digest)
        self._add((*head, amount), carried)

    def refuse(
        self, ts: int, carried: Carried, policy: CustomerPolicy, digest: str, *, reason: int, asked: bool
    ) -> None:
        """Add an event that was refused before it reached the ledger, such as one that has no price."""
        head = self._head(Op.REFUSE.value, ts, carried.customer, policy, None, None, None, digest)
        self._add((*head, reason, int(asked)), carried)

    def command(
        self,
        op: Op,
        ts: int,
        carried: Carried,
        policy: CustomerPolicy,
        command_id: str,
        *fields: Any,
        wallet: str | None = None,
        sender: str | None = None,
    ) -> None:
        """Add a command; `fields` in the order of `layout.Input` from position 8."""
        key = scoped(carried.customer, command_id)
        head = self._head(op.value, ts, carried.customer, policy, wallet, None, sender, key)
        self._add((*head, *fields), carried)

    def zone(self, name: str) -> None:
        """Bring a time zone into the bucket, for a customer who comes into it. Raises `ValueError`: there is none."""
        self._zones[name] = zone_record(name)

    def expect_state(self, customer: str, kind: StateKind, state_id: str) -> None:
        """Have a record read with all others of the chunk; one that is not announced costs a read of its own."""
        self._states[state_field(customer, kind, state_id)] = None

    def finish(self, end: Position) -> Chunk:
        """Return the chunk, which ends at position `end`."""
        return Chunk(
            start=self.start,
            end=end,
            clock_first_ms=self.rows[0][1] if self.rows else 0,
            clock_last_ms=self.rows[-1][1] if self.rows else 0,
            inputs=_pack(self.rows),
            carried=self.carried,
            fragments=_pack(self._fragments),
            customers=self._customer_list,
            wallet_keys=list(self._wallets),
            wallet_names=self._wallet_names,
            charge_keys=list(self._charges),
            sender_keys=list(self._senders),
            state_keys=list(self._states),
            zones=self._zones,
        )

    def _head(  # noqa: PLR0913, PLR0917  the columns that all rows have
        self,
        op: int,
        ts: int,
        customer: str,
        policy: CustomerPolicy,
        wallet: str | None,
        charge: str | None,
        sender: str | None,
        identity: str,
    ) -> tuple[int, int, int, int, int, int, str]:
        customer_at = self._customers.get(customer)
        if customer_at is None:
            self._customer_list.append((customer, policy.version, policy.overdraft_limit_micros, policy.switches))
            customer_at = self._customers[customer] = len(self._customer_list)
        wallet_at = charge_at = sender_at = 0
        if wallet is not None:
            key = f"{customer}\0{wallet}"
            wallet_at = self._wallets.get(key, 0)
            if not wallet_at:
                wallet_at = self._wallets[key] = len(self._wallets) + 1
                self._wallet_names.append(wallet)
        if charge is not None:
            key = f"{customer}\0{charge}"
            charge_at = self._charges.setdefault(key, len(self._charges) + 1)
        if sender is not None:
            key = f"{customer}\0{sender}"
            sender_at = self._senders.setdefault(key, len(self._senders) + 1)
        return (op, ts, customer_at, wallet_at, charge_at, sender_at, identity)

    def count(self, customer: str, counted: Counted) -> None:
        """Have the event that is added next priced by counters."""
        self._counted = counted.record
        for counter in counted.counters:
            self.expect_state(customer, StateKind.COUNTER, counter)

    def _add(self, row: tuple[Any, ...], carried: Carried, acting: Acting | None = None) -> None:
        if acting is not None:
            filler = (False,) * (Input.ACTING - 1 - len(row))
            row = (*row, *filler, [name or False for name in acting])
        if self._counted is not None:
            row = (*row, *(False,) * (Input.COUNTED - 1 - len(row)), self._counted)
            self._counted = None
        self.rows.append(row)
        self.carried.append(carried)
        self._fragments.append(encode_carried(carried))
