"""What taking out a check is made of: texts and what stands in their place, and what must notice it.

Leaves which checks there are to `catalogue`, and taking them out to `patching`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.simulation.schedule import Disturbance, Schedule


@dataclass(frozen=True)
class Edit:
    """A text of a module (`metering.…`) or of a script (its name), and what stands in its place."""

    where: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutation:
    """A check taken out, and by what that is noticed: by one of `tests`, where there are any, else by a schedule.

    `asks` says whether a schedule holds the trouble that the check is for.
    """

    name: str
    edits: tuple[Edit, ...]
    asks: Callable[[Schedule], bool] = lambda _: True
    tests: tuple[str, ...] = ()
    """Of the usual suite, as pytest names them."""


def has(*faults: str) -> Callable[[Schedule], bool]:
    """Schedules with one of these faults."""
    return lambda schedule: any(isinstance(a, Disturbance) and a.fault in faults for a in schedule.actions)


def loses_answers(schedule: Schedule) -> bool:
    """Schedules in which Redis' answers are lost."""
    return any(server == "redis" and (chances.unanswered or chances.late) for server, chances in schedule.chances)


def loses_batches(schedule: Schedule) -> bool:
    """Schedules in which batches do not reach the broker at once, and a worker dies or is stopped."""
    lost = any(server == "kafka" and chances.lost for server, chances in schedule.chances)
    return (lost or has("kafka_down")(schedule)) and has("kill", "kill_at")(schedule)


def plain(asks: Callable[[Schedule], bool]) -> Callable[[Schedule], bool]:
    """Without transactions."""
    return lambda schedule: not schedule.transactions and asks(schedule)


def transactional(asks: Callable[[Schedule], bool]) -> Callable[[Schedule], bool]:
    """With transactions."""
    return lambda schedule: schedule.transactions and asks(schedule)
