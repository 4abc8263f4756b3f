"""Writes ledger entries by hand: valid histories without Lua, of customers with one wallet and one lot each.

Leaves the ledger's rules to the random histories of `tests/ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from metering.checkpoint.records import LedgerRecord
from metering.contracts.entries import (
    Balance,
    Charge,
    CommandReference,
    CustomerSettings,
    EventReference,
    InputReference,
    LedgerEntry,
    Leg,
    LotChange,
    Position,
)
from metering.contracts.reasons import Kind, Reason

NOON = 1_772_366_400_000
"""1 March 2026, 12:00 UTC."""


def encode(entry: LedgerEntry) -> bytes:
    """Return an entry's JSON with the fields in the worker's order."""
    fields = msgspec.to_builtins(entry)
    return msgspec.json.encode({name: fields[name] for name in LedgerRecord.__struct_fields__ if name in fields})


@dataclass
class Purse:
    """The wallet `main` of a customer."""

    seq: int = 0
    remaining: int = 0
    held: int = 0
    lot: str = ""

    @property
    def figures(self) -> Balance:
        return Balance(self.remaining - self.held, self.held, 0)


@dataclass
class Scribe:
    """One bucket's ledger. `entries` are all so far; `clock` is the time of the next."""

    bucket: int = 0
    clock: int = NOON
    seq: int = 0
    chunk: str = ""
    entries: list[LedgerEntry] = field(default_factory=list)
    purses: dict[str, Purse] = field(default_factory=dict)
    usage: int = 0
    commands: int = 0
    next_chunk: str = "c1"

    def open(self, customer: str, micros: int = 0) -> None:
        """Open a customer and top up, where there is something to."""
        self.purses[customer] = Purse()
        settings = CustomerSettings(1, "payg-usd", "USD")
        self._command(Kind.OPENED, customer, "open_customer", settings=settings, wallet="main")
        if micros:
            self.top_up(customer, micros)

    def top_up(self, customer: str, micros: int, **fields: Any) -> LedgerEntry:
        purse = self.purses[customer]
        kind: str | None
        if not purse.lot:
            purse.lot, kind = f"{self.bucket}-{self.seq + 1}", "fro"
        else:
            kind = None
        return self._command(
            Kind.TOPPED_UP, customer, "top_up", change=(micros, 0), lot_kind=kind, unit="USD", wallet="main", **fields
        )

    def open_wallet(self, customer: str, wallet: str) -> None:
        """Open a further wallet, empty."""
        self.purses[f"{customer}/{wallet}"] = Purse()
        nothing = Balance(0, 0, 0)
        self._command(Kind.OPENED, customer, "put_wallet", wallet=wallet, unit="USD", before=nothing, after=nothing)

    def transfer(self, customer: str, micros: int, *wallets: str, **fields: Any) -> LedgerEntry:
        """Move as much from `main` into each of the wallets, as lots of their own."""
        legs = []
        for wallet in wallets:
            purse = self.purses[f"{customer}/{wallet}"]
            kind, purse.lot = (None, purse.lot) if purse.lot else ("fro", f"{self.bucket}-{self.seq + 1}")
            legs.append(Leg(wallet=wallet, unit="USD", **self._change(purse, (micros, 0), kind)))
        total = -micros * len(wallets)
        return self._command(
            Kind.TRANSFERRED, customer, "transfer", change=(total, 0), wallet="main", legs=tuple(legs), **fields
        )

    def reserve(self, customer: str, charge: str, price: int, **fields: Any) -> LedgerEntry:
        held = self._charge(customer, charge, "held", price, held=price)
        return self._event(
            Kind.RESERVED, customer, "sms.submitted", change=(0, price), charge=held, decision="allowed", **fields
        )

    def commit(self, customer: str, charge: str, price: int, **fields: Any) -> LedgerEntry:
        done = self._charge(customer, charge, "committed", price, committed=price)
        return self._event(Kind.COMMITTED, customer, "sms.sent", change=(-price, -price), charge=done, **fields)

    def expire(self, customer: str, charge: str, price: int) -> LedgerEntry:
        gone = self._charge(customer, charge, "expired", price)
        return self._entry(
            Kind.EXPIRED,
            customer,
            change=(0, -price),
            charge=gone,
            reason=Reason.HOLD,
            due_at_ms=self.clock,
            wallet="main",
        )

    def deny_blocked(self, customer: str, sender: str, **fields: Any) -> LedgerEntry:
        return self._event(
            Kind.DENIED, customer, "sms.submitted", reason=Reason.BLOCKED, decision="denied", sender=sender, **fields
        )

    def plain(self, kind: Kind, customer: str, **fields: Any) -> LedgerEntry:
        """Write an entry that changes no wallet."""
        return self._event(kind, customer, "sms.delivered", **fields)

    def values(self, first: int = 0) -> list[tuple[int, bytes]]:
        """Return offsets and records of the entries from number `first` on; the log has nothing else in it."""
        return [(n, encode(entry)) for n, entry in enumerate(self.entries) if n >= first]

    def _charge(self, customer: str, charge: str, state: str, price: int, held: int = 0, committed: int = 0) -> Charge:
        parts = ((self.purses[customer].lot, held),) if held else ()
        deadline = self.clock + 60_000 if held else 0
        return Charge(charge, state, "main", price, held, committed, "sent", 0, deadline, parts, "+15550001111")  # type: ignore[arg-type]

    def _event(self, kind: Kind, customer: str, event_type: str, **fields: Any) -> LedgerEntry:
        offset, self.usage = self.usage, self.usage + 1
        event = EventReference("/test", fields.pop("event_id", f"e{self.bucket}-{offset}"), event_type, self.clock - 50)
        fields.setdefault("wallet", "main")
        rates = [{"quantity": 1, "rate": {"deck": "payg", "prefix": "34"}}]
        return self._entry(kind, customer, event=event, topic="usage", offset=offset, rates=rates, unit="USD", **fields)

    def _command(self, kind: Kind, customer: str, command_type: str, **fields: Any) -> LedgerEntry:
        offset, self.commands = self.commands, self.commands + 1
        command = CommandReference(fields.pop("command_id", f"k{self.bucket}-{offset}"), command_type)
        return self._entry(kind, customer, command=command, topic="commands", offset=offset, actor="test", **fields)

    def _entry(self, kind: Kind, customer: str, **fields: Any) -> LedgerEntry:
        change = fields.pop("change", (0, 0))
        lot_kind = fields.pop("lot_kind", None)
        topic = fields.pop("topic", "usage")
        offset = fields.pop("offset", self.usage)
        purse = self.purses.get(customer)
        if purse is not None and fields.get("wallet") == "main":
            fields |= self._change(purse, change, lot_kind)
        self.seq += 1
        entry = LedgerEntry(
            id=f"{self.bucket}-{self.seq}",
            bucket=self.bucket,
            seq=self.seq,
            chunk=self.next_chunk,
            prev_chunk=self.chunk,
            position=Position(self.usage, self.commands),
            kind=kind,
            customer=customer,
            applied_at_ms=self.clock,
            input=InputReference(topic, self.bucket, offset),
            **fields,
        )
        self.chunk = self.next_chunk
        self.entries.append(entry)
        return entry

    def _change(self, purse: Purse, change: tuple[int, int], lot_kind: str | None) -> dict[str, Any]:
        amount, held = change
        before = purse.figures
        purse.remaining, purse.held = purse.remaining + amount, purse.held + held
        fields: dict[str, Any] = {"before": before, "after": purse.figures}
        if amount or held:
            purse.seq += 1
            lot = LotChange(purse.lot, amount, held, purse.remaining, purse.held, lot_kind)
            fields |= {
                "wallet_seq": purse.seq,
                "amount_micros": amount,
                "held_change_micros": held,
                "lots": (lot,),
            }
        return fields
