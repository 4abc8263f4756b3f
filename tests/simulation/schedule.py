"""What happens in a run, drawn from one seed, as plain data that can be shortened. Leaves running it to `world`."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal

from metering.observe.steps import Step
from tests.simulation.broker import Broker
from tests.simulation.traffic import CUSTOMERS, Author, Message

WORKER_STEPS = tuple(step for step in Step if list(Step).index(step) <= list(Step).index(Step.TRIMMED))
"""The steps of a bucket in a worker."""

Fault = Literal[
    "kill",
    "kill_at",
    "freeze_at",
    "zombie",
    "freeze",
    "start",
    "stop",
    "redis_flush",
    "redis_back",
    "redis_down",
    "scripts_flush",
    "kafka_down",
    "postgres_down",
    "books_held",
    "clock_forward",
]
FAULTS: tuple[Fault, ...] = (
    "kill",
    "kill_at",
    "kill_at",
    "freeze_at",
    "zombie",
    "zombie",
    "freeze",
    "start",
    "stop",
    "redis_flush",
    "redis_back",
    "redis_back",
    "redis_down",
    "scripts_flush",
    "kafka_down",
    "postgres_down",
    "books_held",
    "clock_forward",
)

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Sending:
    """Messages that a producer writes at a moment, one after another; `astray`: into another partition."""

    at: float
    messages: tuple[Message, ...]
    astray: bool = False


@dataclass(frozen=True)
class Disturbance:
    """A fault at a moment. `amount`: seconds, or writes that Redis goes back, or hours; `whom`: which worker."""

    at: float
    fault: Fault
    amount: float
    whom: int
    step: Step | None = None
    """When the worker reaches it, after that moment."""


Action = Sending | Disturbance


@dataclass(frozen=True)
class Chances:
    """Of each request to a server, by what may become of it."""

    lost: float = 0.0
    unanswered: float = 0.0
    late: float = 0.0
    slow: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """One run. What is not said here is drawn from the seed as it goes along."""

    seed: int
    transactions: bool
    buckets: int
    workers: int
    actions: tuple[Action, ...]
    chances: tuple[tuple[str, Chances], ...] = ()
    """By server: `redis`, `kafka`, `postgres`."""

    @property
    def loses_redis(self) -> bool:
        """Whether Redis forgets anything in it."""
        return any(isinstance(a, Disturbance) and a.fault in {"redis_flush", "redis_back"} for a in self.actions)

    @property
    def loses_memory(self) -> bool:
        """Whether anything may make a worker drop what it has applied, or be replaced."""
        quiet = {"redis_flush", "redis_back", "scripts_flush", "clock_forward", "books_held", "postgres_down"}
        return any(isinstance(a, Disturbance) and a.fault not in quiet for a in self.actions) or any(
            chances != Chances() for _, chances in self.chances
        )


def draw(seed: int) -> Schedule:
    """Return the run of a seed: few kinds of faults in one run, each of them more often than in real life."""
    rng = random.Random(seed)
    author = Author(rng)
    actions: list[Action] = [Sending(0.0, tuple(author.opening(c))) for c in CUSTOMERS if rng.random() < 0.9]
    length = rng.choice([3.0, 8.0, 15.0])
    for _ in range(rng.randint(3, 14)):
        at = rng.random() * length
        now_ms = Broker.START_MS + int(at * 1_000)
        messages = tuple(author.next(now_ms) for _ in range(rng.choice([1, 1, 2, 5])))
        actions.append(Sending(at, messages, astray=rng.random() < 0.08))
    kinds = rng.sample(FAULTS, rng.randint(0, 4))
    for _ in range(rng.randint(0, 2 * len(kinds))):
        fault = rng.choice(kinds)
        step = rng.choice(WORKER_STEPS) if fault.endswith("_at") else None
        actions.append(Disturbance(rng.random() * length, fault, _amount(rng, fault), rng.randrange(4), step))
    return Schedule(
        seed,
        transactions=rng.random() < 0.5,
        buckets=rng.choice([1, 1, 2]),
        workers=rng.choice([1, 1, 2]),
        actions=tuple(sorted(actions, key=lambda action: action.at)),
        chances=tuple((server, _chances(rng)) for server in ("redis", "kafka", "postgres") if rng.random() < 0.35),
    )


def without(schedule: Schedule, gone: set[int]) -> Schedule:
    """Return a schedule without some of its actions."""
    return replace(schedule, actions=tuple(a for n, a in enumerate(schedule.actions) if n not in gone))


def _amount(rng: random.Random, fault: Fault) -> float:
    if fault == "redis_back":
        return float(rng.choice([0, 1, 2, 3, 5, 10, 30, 100]))
    if fault == "clock_forward":
        return rng.choice([0.001, 1.0, 7.0, 26.0, 73.0])
    return rng.choice([0.05, 0.5, 2.0, 7.0, 12.0])


def _chances(rng: random.Random) -> Chances:
    def some() -> float:
        return rng.choice([0.0, 0.0, 0.02, 0.1])

    return Chances(some(), some(), some(), some())
