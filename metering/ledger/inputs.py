"""Builds the chunk that one `apply` call takes: rows of numbers, names listed once. Leaves prices to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metering.contracts.calls import CallTerms
from metering.ledger.carried import Carried
from metering.ledger.codes import Moment, Op
from metering.ledger.entry_parts import call_record
from metering.ledger.gathering import Acting, CustomerPolicy, Gathered
from metering.ledger.identity import scoped

NO_PRICE = -1
"""An outcome that cannot be priced by its own fields."""


class ChunkBuilder(Gathered):
    """Collects the inputs of one bucket in their order. `start` is the position before the first.

    A wallet, charge, sender or command is named within its customer. Times are Unix milliseconds, `ts` is the input's
    clock and must not fall. Interrupted at any point nothing has happened: it holds memory only.
    """

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
