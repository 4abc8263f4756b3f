"""The stream of a soak and what it must come to: traffic of every type in rounds, and customers who run out of credit.

Leaves the totals of a message to `traffic`.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque

import orjson

from tests.end_to_end.messages import AMERICA, command, event, opening, text
from tests.end_to_end.system import PARTITIONS, Record, System
from tests.end_to_end.traffic import CREDIT_MICROS, Totals, make_traffic

PACE_SECONDS = 0.1
ROUND_MESSAGES = 200
MORE_CREDIT_MICROS = 1_000_000_000_000
POOR_TEXTS = 40
POOR_PAID = 25
"""Of so many texts of a poor customer, so many are covered: exactly these must be allowed, whichever they are."""
PRICE_MICROS = 10_000
OPENED_AHEAD = 10
"""Rounds between the opening of a poor customer and its first text. A broker that is slow holds back one topic and not
the other, and the order between the two is only that of what has been read (docs/guarantees.md)."""

REMEMBERED = 400


class Stream:
    """Sends `per_second` events a second, more or less; `totals` is what the wallets must come to."""

    def __init__(self, system: System, seed: int, per_second: int) -> None:
        self.totals: dict[str, Totals] = {}
        self.poor: list[str] = []
        self.sent = 0
        self._system = system
        self._seed = seed
        self._random = random.Random(seed)
        self._per_second = per_second
        self._round = 0
        self._stopping = False
        self._recent: deque[Record] = deque(maxlen=REMEMBERED)

    async def open(self) -> None:
        """Open the customers, with credit for all that comes."""
        traffic = make_traffic(self._seed, 0)
        more = [
            command(customer, f"more-{customer}", "top_up", amount_micros=MORE_CREDIT_MICROS, unit="USD")
            for customer in traffic.totals
        ]
        await self._system.send_commands([*traffic.commands, *more])
        for number in range(OPENED_AHEAD):
            await self._open_poor(number)
        self.totals = traffic.totals
        for total in self.totals.values():
            total.balance_micros += MORE_CREDIT_MICROS

    async def run(self) -> None:
        """Send round after round until `stop`; a round that has begun is sent whole."""
        while not self._stopping:
            await self._send_round(self._make_round())

    def stop(self) -> None:
        """Let the round under way be the last."""
        self._stopping = True

    async def repeat(self) -> None:
        """Send again what was sent last, as a producer that has lost its acknowledgements."""
        await self._send(list(self._recent))

    async def reorder(self) -> None:
        """Send messages with the events of one charge in their order and those of different charges in none."""
        rng = random.Random(self._random.random())
        events = self._make_messages(60)
        by_charge: dict[str, list[Record]] = {}
        for record in events:
            by_charge.setdefault(_charge_of(record), []).append(record)
        lives = list(by_charge.values())
        mixed: list[Record] = []
        while lives:
            life = rng.choice(lives)
            mixed.append(life.pop(0))
            if not life:
                lives.remove(life)
        await self._send(mixed)

    async def misplace(self) -> None:
        """Send events to partitions that are not their customers'."""
        # Not the poor: what has happened is charged whether it is covered or not.
        customers = [customer for customer in self.totals if customer not in self.poor]
        for number in range(30):
            customer = customers[number % len(customers)]
            self._round += 1
            name = f"misplaced-{self._seed}-{self._round}-{number}"
            _, value = event(customer, name, "usage.recorded", amount_micros=1_000)
            self.totals[customer].balance_micros -= 1_000
            await self._system.send_to([(self._random.randrange(PARTITIONS), customer, value)])
            self.sent += 1

    async def poison(self) -> None:
        """Send records that are no events: broken, empty, of another shape, too old, with no end of numbers."""
        customer = self._random.choice(list(self.totals))
        _, sound = event(customer, "old", "usage.recorded", amount_micros=1)
        values: list[bytes | None] = [
            None,
            b"",
            b"\x00\xff\xfe",
            b"{broken",
            b"[]",
            b'{"specversion":"1.0"}',
            sound.replace(b"20", b"19", 1),
            event(customer, "huge", "usage.recorded", amount_micros=2**60)[1],
            event(customer, "deep", "sms.submitted", to=[[[[1]]]])[1],
        ]
        bucket = self._random.randrange(PARTITIONS)
        await self._system.send_to([(bucket, customer, value) for value in values])
        await self._system.send_to([(bucket, customer, b'{"type":"no_such","id":"x"}')], topic="commands")
        self.sent += len(values) + 1

    def _make_messages(self, messages: int) -> list[Record]:
        self._round += 1
        traffic = make_traffic(self._seed * 100_000 + self._round, messages)
        for customer, total in traffic.totals.items():
            self.totals[customer].balance_micros += total.balance_micros - CREDIT_MICROS
            self.totals[customer].held_micros += total.held_micros
        return traffic.events

    def _make_round(self) -> list[Record]:
        events = self._make_messages(ROUND_MESSAGES)
        name = self._poor_name(len(self.poor))
        self.poor.append(name)
        self.totals[name] = Totals(0)
        for number in range(POOR_TEXTS):
            events.insert(self._random.randrange(len(events)), text(name, f"{name}-{number}", AMERICA))
        return events

    async def _send_round(self, events: list[Record]) -> None:
        await self._open_poor(len(self.poor) - 1 + OPENED_AHEAD)
        size = max(1, int(self._per_second * PACE_SECONDS))
        for first in range(0, len(events), size):
            await self._send(events[first : first + size])
            await asyncio.sleep(PACE_SECONDS)

    async def _open_poor(self, number: int) -> None:
        await self._system.send_commands(opening(self._poor_name(number), POOR_PAID * PRICE_MICROS))

    def _poor_name(self, number: int) -> str:
        return f"poor-{self._seed}-{number}"

    async def _send(self, records: list[Record]) -> None:
        await self._system.send(records)
        self._recent.extend(records)
        self.sent += len(records)


def _charge_of(record: Record) -> str:
    """The message that an event belongs to: names are `m<seed>-<number>`, with more behind."""
    return "-".join(orjson.loads(record[1])["id"].split("-")[:2])
