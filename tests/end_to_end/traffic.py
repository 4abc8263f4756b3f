"""Lively traffic of every type, and what it must come to: whole numbers worked out beside each message, nothing else.

Leaves sending it to `system` and comparing to `verifier`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.end_to_end.messages import AMERICA, BRITAIN, GERMANY, RUSSIA, SPAIN, event, opening, outcome, text
from tests.end_to_end.system import Record

CREDIT_MICROS = 1_000_000_000
"""So much that nobody runs out: totals do not depend on the order among a customer's messages."""


@dataclass
class Totals:
    """What a wallet must come to."""

    balance_micros: int = 0
    held_micros: int = 0


@dataclass
class Traffic:
    """Commands to send first, then events in their order, and the totals after all of it."""

    commands: list[Record] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)
    totals: dict[str, Totals] = field(default_factory=dict)
    repeats: int = 0
    """How many of the events are there a second time."""


def make_traffic(seed: int, messages: int, customers: int = 12) -> Traffic:
    """Traffic of `messages` messages, each of one to five events; the same for the same seed (but for its times)."""
    rng = random.Random(seed)
    traffic = Traffic()
    lives: list[list[Record]] = []
    for number in range(customers):
        customer = f"customer-{number}"
        traffic.commands += opening(customer, CREDIT_MICROS)
        traffic.totals[customer] = Totals(CREDIT_MICROS)
    kinds = list(KINDS)
    for number in range(messages):
        customer = f"customer-{rng.randrange(customers)}"
        kind = kinds[number % len(kinds)]
        records, spent, held = kind(rng, customer, f"m{seed}-{number}")
        if rng.random() < 0.1:
            records.insert(rng.randrange(len(records)) + 1, rng.choice(records[:1]))
            traffic.repeats += 1
        lives.append(records)
        traffic.totals[customer].balance_micros -= spent
        traffic.totals[customer].held_micros += held
    traffic.events = _interleave(rng, lives)
    return traffic


Kind = Callable[[random.Random, str, str], tuple[list[Record], int, int]]
"""Makes one message: its events in order, what it costs in the end, what stays held."""


def spanish_text(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Held, then sent, failed, cancelled or left open; delivered or told again, which changes nothing."""
    segments = rng.randint(1, 5)
    price = segments * 50_000
    start = [text(customer, name, SPAIN, segments, sender="ACME")]
    match rng.choice(["sent", "delivered", "failed", "cancelled", "open", "longer", "shorter"]):
        case "sent":
            return [*start, outcome(customer, f"{name}-s", name)], price, 0
        case "delivered":
            told = [
                outcome(customer, f"{name}-{n}", name, verb) for n, verb in enumerate(["sent", "delivered", "failed"])
            ]
            return [*start, *told], price, 0
        case "longer" | "shorter" as change:
            actual = segments + 1 if change == "longer" else max(1, segments - 1)
            sent = outcome(customer, f"{name}-s", name, to=SPAIN, segments=actual)
            return [*start, sent], actual * 50_000, 0
        case "open":
            return start, 0, price
        case verb:
            return [*start, outcome(customer, f"{name}-f", name, verb)], 0, 0


def american_text(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Debited when it is submitted; what becomes of it changes nothing."""
    segments = rng.randint(1, 3)
    verb = rng.choice(["sent", "delivered", "failed"])
    records = [text(customer, name, AMERICA, segments), outcome(customer, f"{name}-o", name, verb)]
    return records, segments * 10_000, 0


def british_text(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Sent costs nothing yet, delivered the price, failed the fee."""
    records = [text(customer, name, BRITAIN), outcome(customer, f"{name}-s", name)]
    if rng.random() < 0.5:
        return [*records, outcome(customer, f"{name}-d", name, "delivered")], 40_000, 0
    return [*records, outcome(customer, f"{name}-f", name, "failed")], 10_000, 0


def early_outcome(_: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """The outcome comes before its submission: charged once."""
    sent = outcome(customer, f"{name}-s", name, to=SPAIN, segments=2)
    return [sent, text(customer, name, SPAIN, 2)], 100_000, 0


def picture(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Held for each of its recipients, settled one by one."""
    to = [f"+3460000000{n}" for n in range(1, 4)]
    start = event(customer, name, "mms.submitted", recipients=to, media=1, charge_id=name)
    sent = rng.randint(0, 3)
    verbs = ["sent"] * sent + ["failed"] * (3 - sent)
    rng.shuffle(verbs)
    told = [
        event(customer, f"{name}-{n}", f"mms.{verb}", charge_id=name, to=number)
        for n, (number, verb) in enumerate(zip(to, verbs, strict=True))
    ]
    return [start, *told], sent * 200_000, 0


def broadcast(_: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Held for both; one is sent, the other stays held."""
    records = [
        event(customer, name, "broadcast.submitted", recipients=[SPAIN, "+34600000002"], segments=1, charge_id=name),
        event(customer, f"{name}-s", "broadcast.sent", charge_id=name, to=SPAIN),
    ]
    return records, 50_000, 50_000


def call(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Started, extended, ended: the first 30 seconds, then steps of 6, at 1,000 a second."""
    start = event(customer, name, "voice.started", to=SPAIN, charge_id=name)
    more = event(customer, f"{name}-x", "voice.extended", to=SPAIN, charge_id=name, seconds=30)
    seconds = rng.choice([0, 10, 30, 31, 75, 600])
    billed = 0 if seconds == 0 else 30 if seconds <= 30 else 30 + -(-(seconds - 30) // 6) * 6
    end = event(customer, f"{name}-e", "voice.ended", to=SPAIN, charge_id=name, seconds=seconds)
    return [start, more, end], billed * 1_000, 0


def conversation(_: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Debited when it is started."""
    opened = event(customer, name, "conversation.started", to=SPAIN, conversation_class="business_initiated")
    return [opened], 30_000, 0


def received(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """A text that costs nothing, or a call of up to a minute and one of more."""
    if rng.random() < 0.5:
        return [event(customer, name, "sms.received", to=SPAIN, segments=1)], 0, 0
    seconds = rng.choice([60, 61])
    return [event(customer, name, "voice.received", to=SPAIN, seconds=seconds)], 30_000 * (seconds - 59), 0


def recorded(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """Usage that has happened, and its correction up or down."""
    amount, change = rng.randint(0, 10**6), rng.choice([-700, 1_300])
    records = [
        event(customer, name, "usage.recorded", amount_micros=amount),
        event(customer, f"{name}-a", "charge.adjusted", adjusts=name, amount_micros=change),
    ]
    return records, amount + change, 0


def refused(rng: random.Random, customer: str, name: str) -> tuple[list[Record], int, int]:
    """What has no price, or no customer, costs nothing."""
    to = rng.choice([GERMANY, RUSSIA, "+34"])
    records = [text(customer, name, to), text(f"nobody-{name}", f"{name}-n", SPAIN)]
    return records, 0, 0


KINDS: tuple[Kind, ...] = (
    spanish_text,
    american_text,
    british_text,
    early_outcome,
    picture,
    broadcast,
    call,
    conversation,
    received,
    recorded,
    refused,
)


def _interleave(rng: random.Random, lives: list[list[Record]]) -> list[Record]:
    """Mix the messages while each keeps the order of its events; about fifty are under way at a time."""
    waiting, under_way, mixed = list(reversed(lives)), list[list[Record]](), list[Record]()
    while waiting or under_way:
        while waiting and len(under_way) < 50:
            under_way.append(list(reversed(waiting.pop())))
        life = rng.choice(under_way)
        mixed.append(life.pop())
        if not life:
            under_way.remove(life)
    return mixed
