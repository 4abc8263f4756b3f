"""Gathers the inputs of a chunk by columns: rows, and names listed once. Leaves what each input is to `inputs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from metering import native
from metering.contracts.entries import Position
from metering.contracts.fields import MAIN_WALLET
from metering.ledger.carried import Carried, CarriedParts, encode_carried
from metering.ledger.chunk import Chunk
from metering.ledger.codes import StateKind
from metering.ledger.counted import Counted
from metering.ledger.identity import state_field
from metering.ledger.rows import RowList, shape
from metering.ledger.zones import zone_record

if TYPE_CHECKING:
    from metering.native.rows import Rows


class CustomerPolicy(Struct, frozen=True, gc=False):
    """What Lua needs to know of a customer, as priced: `version` 0 = unknown. Amounts in micro-units."""

    version: int
    overdraft_limit_micros: int = 0
    switches: int = 0
    """Bits of `codes.Switch`."""


UNKNOWN = CustomerPolicy(0)

Acting = tuple[str | None, str | None, str | None]
"""The user, the campaign and the sender of an event: what a customer's limits are found by."""


class Gathered:
    """The inputs so far, in their order, of a chunk that begins at `start`. Holds memory only."""

    def __init__(self, start: Position) -> None:
        self.start = start
        self._more: list[list[Any]] = []
        self._acting: dict[Acting, int] = {}
        self._carried: list[Any] = []
        """Of compiled steps None, which stands for what the fragment says."""
        self._fragments: list[bytes] = []
        self._digests: list[str] = []
        self._customers: dict[str, int] = {}
        self._policies: list[int] = []
        self._wallets: dict[str, int] = {}
        self._wallet_names: list[str] = []
        self._charges: dict[str, int] = {}
        self._senders: dict[str, int] = {}
        self._plain_places: dict[str, tuple[int, int, int, int]] = {}
        """Of customer and main wallet, by customer."""
        self._states: dict[str, None] = {}
        self._counted: list[Any] | None = None
        self._zones: dict[str, tuple[int, ...]] = {}
        self.compiled: Rows | None = None
        """Where compiled steps add inputs, if they are used: the rows of all others as well."""
        if native.in_use:
            self.compiled = native.rows.Rows(
                MAIN_WALLET,
                customers=self._customers,
                policies=self._policies,
                wallets=self._wallets,
                wallet_names=self._wallet_names,
                charges=self._charges,
                senders=self._senders,
                carried=self._carried,
                fragments=self._fragments,
                digests=self._digests,
            )
        self._rows: Rows | RowList = RowList() if self.compiled is None else self.compiled

    def __len__(self) -> int:
        return len(self._rows)

    def plain(  # noqa: PLR0913, PLR0917  the columns of its row
        self,
        op: int,
        flags: int,
        charge_on: int,
        figures: tuple[int, int, int, int],
        carried: Carried,
        policy: CustomerPolicy,
        digest: str,
        charge: str,
        sender: str | None,
    ) -> None:
        """Add what `submit` or `outcome` would of the main wallet, with nothing beside its row: nearly all there is."""
        customer, charges, senders = carried.customer, self._charges, self._senders
        places = self._plain_places.get(customer)
        if places is None:
            places = self._plain_places[customer] = self._places(customer, policy, MAIN_WALLET, None, None)
        key = f"{customer}\0{charge}"
        charge_at = charges.get(key)
        if charge_at is None:
            charge_at = charges[key] = len(charges) + 1
        sender_at = 0
        if sender is not None:
            key = f"{customer}\0{sender}"
            sender_at = senders.get(key, 0)
            if not sender_at:
                sender_at = senders[key] = len(senders) + 1
        customer_at, wallet_at, _, _ = places
        self._rows.append((shape(op, charge_on, flags, 0), customer_at, wallet_at, charge_at, sender_at, *figures))
        self._digests.append(digest)
        self._carried.append(carried)
        self._fragments.append(encode_carried(carried))

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
            clock_first_ms=self._rows.clock_first_ms,
            clock_last_ms=self._rows.clock_last_ms,
            inputs=self._rows.pack(),
            more=self._more,
            carried=self._carried if self.compiled is None else CarriedParts(self._carried, self._fragments),
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
            compiled=self.compiled,
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

    def _place_of(self, acting: Acting) -> int:
        """Where it stands who acts in an event that has nothing else beside its row: told once for all their events."""
        place = self._acting.get(acting)
        if place is None:
            place = self._acting[acting] = self._keep_more([False, False, _names_of(acting), False])
        return place

    def _keep_more(self, more: list[Any]) -> int:
        self._more.append(more)
        return len(self._more)

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
        if acting is not None and counted is None and more is None:
            more_at = self._place_of(acting)
        else:
            if acting is not None or counted is not None:
                head = [*(more or ()), False, False][:2]
                more = [*head, _names_of(acting), counted or False]
            more_at = self._keep_more(more) if more is not None else 0
        self._rows.append((shape(op, charge_on, flags, more_at), *places, *figures))
        self._digests.append(digest)
        self._carried.append(carried)
        self._fragments.append(encode_carried(carried))


def _names_of(acting: Acting | None) -> list[str | bool] | bool:
    return [name or False for name in acting] if acting else False
