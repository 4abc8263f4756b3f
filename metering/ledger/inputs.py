"""Builds the chunk that one `apply` call takes: rows of numbers, names listed once. Leaves prices to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from metering.contracts.calls import CallTerms
from metering.contracts.entries import Position
from metering.ledger.carried import Carried, encode_carried
from metering.ledger.chunk import Chunk
from metering.ledger.codes import Moment, Op, StateKind
from metering.ledger.counted import Counted
from metering.ledger.entry_parts import call_record
from metering.ledger.identity import scoped, state_field
from metering.ledger.rows import INPUT_ROW
from metering.ledger.zones import zone_record

_pack = msgspec.msgpack.Encoder().encode
_row = INPUT_ROW.pack
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


class ChunkBuilder:
    """Collects the inputs of one bucket in their order. `start` is the position before the first.

    A wallet, charge, sender or command is named within its customer. Times are Unix milliseconds, `ts` is the input's
    clock and must not fall. Interrupted at any point nothing has happened: it holds memory only.
    """

    def __init__(self, start: Position) -> None:
        self.start = start
        self._rows: list[bytes] = []
        self._more: list[list[Any]] = []
        self._clock_first_ms = self._clock_last_ms = 0
        self.carried: list[Carried] = []
        self._fragments: list[bytes] = []
        self._digests: list[str] = []
        self._customers: dict[str, int] = {}
        self._policies: list[int] = []
        self._wallets: dict[str, int] = {}
        self._wallet_names: list[str] = []
        self._charges: dict[str, int] = {}
        self._senders: dict[str, int] = {}
        self._states: dict[str, None] = {}
        self._counted: list[Any] | None = None
        self._zones: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def tick(self, ts: int, carried: Carried) -> None:
        """Add a tick: the clock runs, and it has no entry of its own."""
        self._add(Op.TICK.value, 0, 0, (0, 0, 0, 0), (ts, 0, 0, 0), "", carried)

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
        # Flat, because their order decides who is granted, and a map has none in Lua.
        prices = [part for pair in recipients.items() for part in pair] if recipients else False
        more = [prices, call_record(call)] if prices or call else None
        places = self._places(carried.customer, policy, wallet, charge, sender)
        figures = (ts, price, deadline_at_ms, failed_fee)
        self._add(Op.SUBMIT.value, flags, charge_on, places, figures, digest, carried, more, acting)

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
        places = self._places(carried.customer, policy, wallet, charge, sender)
        self._add(Op.EXTEND.value, 0, 0, places, (ts, price, deadline_at_ms, seconds), digest, carried, None, acting)

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
        places = self._places(carried.customer, policy, wallet, charge, None)
        figures, more = (ts, price, moment.value, 0), [to] if to else None
        self._add(Op.OUTCOME.value, int(actual), charge_on, places, figures, digest, carried, more, acting)

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
        places = self._places(carried.customer, policy, wallet, charge, None)
        self._add(Op.END.value, 0, 0, places, (ts, price, 0, seconds), digest, carried, None, acting)

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
        places = self._places(carried.customer, policy, wallet, None, sender)
        self._add(Op.RECORD.value, 0, 0, places, (ts, price, 0, 0), digest, carried, None, acting)

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
        places = self._places(carried.customer, policy, wallet, charge, None)
        self._add(Op.ADJUST_CHARGE.value, 0, 0, places, (ts, amount, 0, 0), digest, carried)

    def refuse(
        self, ts: int, carried: Carried, policy: CustomerPolicy, digest: str, *, reason: int, asked: bool
    ) -> None:
        """Add an event that was refused before it reached the ledger, such as one that has no price."""
        places = self._places(carried.customer, policy, None, None, None)
        self._add(Op.REFUSE.value, 0, int(asked), places, (ts, reason, 0, 0), digest, carried)

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
        places = self._places(carried.customer, policy, wallet, None, sender)
        row = [op.value, ts, *places, scoped(carried.customer, command_id), *fields]
        self._add(op.value, 0, 0, places, (ts, 0, 0, 0), "", carried, row)

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
            clock_first_ms=self._clock_first_ms,
            clock_last_ms=self._clock_last_ms,
            inputs=b"".join(self._rows),
            more=self._more,
            carried=self.carried,
            carried_json=self._fragments,
            digests=self._digests,
            customers=list(self._customers),
            policies=self._policies,
            wallet_keys=list(self._wallets),
            wallet_names=self._wallet_names,
            charge_keys=list(self._charges),
            sender_keys=list(self._senders),
            state_keys=list(self._states),
            zones=self._zones,
        )

    def _places(
        self, customer: str, policy: CustomerPolicy, wallet: str | None, charge: str | None, sender: str | None
    ) -> tuple[int, int, int, int]:
        customer_at = self._customers.get(customer)
        if customer_at is None:
            customer_at = self._customers[customer] = len(self._customers) + 1
            self._policies += (policy.version, policy.overdraft_limit_micros, policy.switches)
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
        return customer_at, wallet_at, charge_at, sender_at

    def count(self, customer: str, counted: Counted) -> None:
        """Have the event that is added next priced by counters."""
        self._counted = counted.record
        for counter in counted.counters:
            self.expect_state(customer, StateKind.COUNTER, counter)

    def _add(  # noqa: PLR0913, PLR0917  the columns of a row, and what does not fit into one
        self,
        op: int,
        flags: int,
        charge_on: int,
        places: tuple[int, int, int, int],
        figures: tuple[int, int, int, int],
        digest: str,
        carried: Carried,
        more: list[Any] | None = None,
        acting: Acting | None = None,
    ) -> None:
        counted, self._counted = self._counted, None
        if acting is not None or counted is not None:
            head = [*(more or ()), False, False][:2]
            more = [*head, [name or False for name in acting] if acting else False, counted or False]
        more_at = 0
        if more is not None:
            self._more.append(more)
            more_at = len(self._more)
        if not self._rows:
            self._clock_first_ms = figures[0]
        self._clock_last_ms = figures[0]
        self._rows.append(_row(op, flags, charge_on, *places, more_at, *figures))
        self._digests.append(digest)
        self.carried.append(carried)
        self._fragments.append(encode_carried(carried))
