"""Every check that is taken out, one at a time: where it stands, what stands there instead, which schedules ask for it.

Leaves taking it out to `patching`, and running to `__main__`. The names are those of docs/protocol.md.
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
    """A check taken out. `asks`: whether a schedule holds the trouble that the check is for."""

    name: str
    edits: tuple[Edit, ...]
    asks: Callable[[Schedule], bool] = lambda _: True


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


CLAIMING, APPLYING = "metering.worker.claiming", "metering.worker.applying"
BUCKET, PUBLISHING = "metering.worker.bucket", "metering.worker.publishing"
ZOMBIE = ("zombie", "freeze", "freeze_at")
APPLIED = "        self._steps.reached(Step.APPLIED, self._bucket)\n"
SIDES = "            await await_all(await self._outbound.send(publication.sides))\n"
PRODUCED = "            self._steps.reached(Step.RESULTS_PRODUCED, self._bucket)\n"
FORGETS = ("redis_back", "redis_flush")
SAME_END = "            if (written.head.seq, written.head.chunk) != (end.seq, end.chunk):\n"

MUTATIONS = {
    mutation.name: mutation
    for mutation in (
        Mutation(
            "outbox",
            (
                Edit(
                    APPLYING,
                    "return self._take_repeated(answer, taken.end)",
                    "self._head = answer.head\n                    return []",
                ),
            ),
            loses_answers,
        ),
        Mutation(
            "expected_head",
            (Edit("apply", "if head.seq ~= expected or head.chunk ~= ARGV[3] then", "if false then"),),
            has("redis_back"),
        ),
        Mutation(
            "decisions_awaited",
            (Edit(BUCKET, "                await await_all(batch.decisions)\n", "                pass\n"),),
            loses_batches,
        ),
        Mutation(
            "probe",
            (
                Edit(
                    APPLYING,
                    "            await self._probe()\n",
                    "            self._probe_at = self._loop.time() + 1.0\n",
                ),
            ),
            has(*FORGETS),
        ),
        Mutation(
            "position",
            (
                Edit(CLAIMING, "        if not self._kafka.has_transactions:\n", "        if False:\n"),
                Edit(
                    CLAIMING,
                    "    return Position(max(head.usage, committed.usage), max(head.commands, committed.commands))",
                    "    return committed if head else committed",
                ),
            ),
            plain(has(*FORGETS)),
        ),
        Mutation(
            "restore_exact",
            (
                Edit(CLAIMING, "            if seq == end.seq:\n", "            if True:\n"),
                Edit(CLAIMING, SAME_END, "            if False:\n"),
                Edit(CLAIMING, "                if end != START:\n", "                if False:\n"),
            ),
            has(*FORGETS),
        ),
        Mutation(
            "letters_first",
            (
                Edit(APPLYING, "        await self._send_aside(taken)\n", ""),
                Edit(APPLYING, APPLIED, APPLIED + "        await self._send_aside(taken)\n"),
            ),
            has("kill_at", "kafka_down", "kill"),
        ),
        Mutation(
            "side_first",
            (
                Edit(PUBLISHING, SIDES + "            if publication", "            if publication"),
                Edit(
                    PUBLISHING, PRODUCED + "            await self._commit(", SIDES + "            await self._commit("
                ),
            ),
            plain(has("kill", "kill_at", "kafka_down", *ZOMBIE)),
        ),
        Mutation(
            "forward",
            (
                Edit(
                    "metering.worker.chunking",
                    "        if partition == self._bucket:\n",
                    "        if partition >= 0:\n",
                ),
            ),
            lambda schedule: schedule.buckets > 1,
        ),
        Mutation(
            "dedupe",
            (
                Edit(
                    "apply",
                    "function is_new(bucket, i)\n",
                    "function is_new(bucket, i)\n  if true then return true end\n",
                ),
                Edit(
                    "apply",
                    "function event_seen(bucket, i, digest, now)\n",
                    "function event_seen(bucket, i, digest, now)\n  if true then return nil end\n",
                ),
            ),
        ),
        Mutation(
            "fencing",
            (
                Edit(CLAIMING, "            await self._publisher.start()\n", ""),
                Edit(
                    PUBLISHING,
                    '            raise Retryable("the bucket\'s producer is not started")\n',
                    "            await self.start()\n            producer = self._producer\n",
                ),
            ),
            transactional(has(*ZOMBIE)),
        ),
    )
}
