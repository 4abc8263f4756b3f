"""What a drill sends, and what it must come to: whole numbers kept beside each event, nothing else.

Leaves sending to `producer` and comparing to `proof`. Prices of a staging system are not known here, so credit is
moved by amounts that the events carry; texts, which ask for decisions, are those of other customers, and cancelled.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import msgspec

from metering.contracts.partitioning import partition_of

CREDIT_MICROS = 1_000_000_000
SOURCE = "/metering/drill"
TO = "+12025550101"
"""A number that is never given out."""

Record = tuple[str, bytes]
"""Customer (the key) and value."""


class DrillTraffic:
    """Customers `<prefix><seed>-…`: spenders, whose balances are exact, and one asker for each bucket.

    `balances` is what the spenders must have, `asked` the events that must be decided, `sent` all that must take effect
    once: (source or customer, id).
    """

    def __init__(self, prefix: str, seed: int, partitions: int, *, plan: str, unit: str) -> None:
        self.balances: dict[str, int] = {}
        self.asked: set[str] = set()
        self.sent: set[tuple[str, str]] = set()
        self._random = random.Random(seed)  # noqa: S311  traffic that can be repeated, no secret
        self._name = f"{prefix}{seed}"
        self._plan = plan
        self._unit = unit
        self._count = 0
        self.askers = {bucket: _name_in(bucket, f"{self._name}-asks", partitions) for bucket in range(partitions)}
        self._spenders = [f"{self._name}-spends-{number}" for number in range(2 * partitions)]

    @property
    def customers(self) -> list[str]:
        """All customers of the drill."""
        return [*self.askers.values(), *self._spenders]

    def opening(self) -> list[Record]:
        """Return the commands that open the customers with credit."""
        records = []
        for customer in self.customers:
            records.append(self._command(customer, "open_customer", plan=self._plan))
            records.append(self._command(customer, "top_up", amount_micros=CREDIT_MICROS, unit=self._unit))
        self.balances = dict.fromkeys(self._spenders, CREDIT_MICROS)
        return records

    def questions(self) -> list[tuple[str, list[Record]]]:
        """Return a text for each bucket and its cancellation, each with the id that is decided."""
        made = []
        for customer in self.askers.values():
            event_id = self._next("text")
            text = self._event(customer, event_id, "sms.submitted", to=TO, segments=1, charge_id=event_id)
            over = self._event(customer, f"{event_id}-over", "sms.cancelled", charge_id=event_id)
            self.asked.add(event_id)
            made.append((event_id, [text, over]))
        return made

    def spend(self, count: int, corrected: float = 0.2) -> list[Record]:
        """Return `count` or a few more events: usage that has happened, a share of it corrected, up or down."""
        records: list[Record] = []
        while len(records) < count:
            customer = self._random.choice(self._spenders)
            event_id, micros = self._next("use"), self._random.randint(1, 10_000)
            records.append(self._event(customer, event_id, "usage.recorded", amount_micros=micros))
            self.balances[customer] -= micros
            if self._random.random() < corrected:
                change = self._random.choice([-1, 3])
                correction = {"adjusts": event_id, "amount_micros": change}
                records.append(self._event(customer, f"{event_id}-c", "charge.adjusted", **correction))
                self.balances[customer] -= change
        return records

    def top_up(self) -> list[Record]:
        """Return a top-up for one spender, twice, as a client repeats it."""
        customer = self._random.choice(self._spenders)
        micros = self._random.randint(1, 1_000_000)
        self.balances[customer] += micros
        record = self._command(customer, "top_up", amount_micros=micros, unit=self._unit)
        return [record, record]

    def poison(self) -> list[Record]:
        """Return records that are no events."""
        customer = self._random.choice(self._spenders)
        return [(customer, value) for value in (b"", b"\x00\xff", b"{broken", b"[]", b'{"specversion":"1.0"}')]

    def _next(self, kind: str) -> str:
        self._count += 1
        return f"{self._name}-{kind}-{self._count}"

    def _event(self, customer: str, event_id: str, type: str, **data: Any) -> Record:  # noqa: A002  its name there
        body = {
            "specversion": "1.0",
            "id": event_id,
            "source": SOURCE,
            "type": type,
            "time": datetime.now(UTC).isoformat(),
            "data": {"customer": customer, **data},
        }
        self.sent.add((SOURCE, event_id))
        return customer, msgspec.json.encode(body)

    def _command(self, customer: str, type: str, **fields: Any) -> Record:  # noqa: A002  as above
        command_id = self._next(type)
        body = {"type": type, "id": command_id, "customer": customer, "actor": "metering drill", **fields}
        self.sent.add((customer, command_id))
        return customer, msgspec.json.encode(body)


def _name_in(bucket: int, stem: str, partitions: int) -> str:
    """Return a name of which the bucket is `bucket`."""
    number = 0
    while partition_of(f"{stem}-{number}", partitions) != bucket:
        number += 1
    return f"{stem}-{number}"
