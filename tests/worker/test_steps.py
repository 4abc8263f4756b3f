"""The order of a worker's steps, watched on real servers. Leaves why it must be so to docs/protocol.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest
from redis.exceptions import ConnectionError  # noqa: A004  the client's own

from metering.contracts.topics import Topic
from metering.errors import Retryable
from metering.ledger.joined_calls import JoinedCalls
from metering.ledger.keys import BucketKeys
from metering.ledger.scripts import Script
from metering.ledger.standstill import Standstill, note_standstill
from metering.ledger.till import Applied, Lost, Till
from metering.worker import bucket as bucket_module, claiming
from metering.worker.claiming import Claim
from metering.worker.publishing import PlainPublisher, TransactionalPublisher
from metering.worker.sending import Outbound
from metering.worker.service import WorkerService
from tests.end_to_end.messages import AMERICA, opening, text
from tests.end_to_end.proof import prove
from tests.end_to_end.system import System
from tests.end_to_end.traffic import Totals

Watch = Callable[[Any, str, str], None]


@pytest.fixture
def steps() -> list[str]:
    """What was done, in order: a name as it begins, `name/` as it has ended."""
    return []


@pytest.fixture
def watch(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Note each call of an owner's coroutine, and call it."""

    def start(owner: Any, name: str, step: str) -> None:
        original = getattr(owner, name)

        async def noted(*args: Any, **kwargs: Any) -> Any:
            steps.append(step)
            answer = await original(*args, **kwargs)
            steps.append(f"{step}/")
            return answer

        monkeypatch.setattr(owner, name, noted)

    return start


async def apply_one(system: System, worker: WorkerService) -> None:
    """Open a customer and meter one text, and a record that is none."""
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000))
    await system.applied()
    await system.send([("acme", b"{broken"), text("acme", "t-1", AMERICA)])
    await system.applied()


async def is_published(system: System) -> bool:
    """Whether nothing waits in an outbox."""
    return not any([(await system.status(bucket)).outbox_chunks for bucket in range(system.settings.kafka.partitions)])


async def test_claim_takes_the_token_before_it_reads_the_ledger_and_compares_after(
    system: System, worker: WorkerService, watch: Watch, steps: list[str]
) -> None:
    for publisher in (PlainPublisher, TransactionalPublisher):
        watch(publisher, "start", "fence")
    watch(Till, "claim", "token")
    watch(Claim, "_committed", "committed offsets")
    watch(claiming, "find_ledger_end", "ledger's end")
    watch(Till, "compare", "compare")
    for other in range(1, system.settings.kafka.partitions):
        await note_standstill(system.redis, Standstill(other, 0, "only bucket 0 is watched"))
    await worker.start()

    async def is_claimed() -> bool:
        return (await system.status(0)).loaded

    await system.reached(is_claimed, "bucket 0 claimed")
    begun = [step for step in steps if not step.endswith("/")]
    assert begun == ["fence", "token", "committed offsets", "ledger's end", "compare"]
    assert [step for step in steps if step.endswith("/")] == [f"{step}/" for step in begun]


async def test_run_writes_dead_letters_then_applies_then_awaits_decisions_then_publishes_then_trims(
    system: System, worker: WorkerService, watch: Watch, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(Till, "apply", "apply")
    watch(Till, "trim", "trim")
    for publisher in (PlainPublisher, TransactionalPublisher):
        watch(publisher, "publish", "publish")
    original, original_all = Outbound.send, Outbound.send_all

    async def send(self: Outbound, outputs: Any) -> Any:
        outputs = list(outputs)
        deliveries = await original(self, outputs)
        steps.extend(f"send {topic}" for topic in {output.topic for output in outputs})
        for delivery in deliveries:
            delivery.add_done_callback(lambda _: steps.append(f"acknowledged {outputs[0].topic}"))
        return deliveries

    async def send_all(self: Outbound, topic: Topic, *records: Any) -> Any:
        sent = await original_all(self, topic, *records)
        steps.append(f"send {topic}")
        for delivery, _ in sent:
            delivery.add_done_callback(lambda _: steps.append(f"acknowledged {topic}"))
        return sent

    monkeypatch.setattr(Outbound, "send", send)
    monkeypatch.setattr(Outbound, "send_all", send_all)
    await apply_one(system, worker)
    await system.reached(lambda: is_published(system), "all published")
    first = steps.index(f"send {Topic.DEAD_LETTERS}")
    run = steps[first:]
    expected = [
        f"send {Topic.DEAD_LETTERS}",
        f"acknowledged {Topic.DEAD_LETTERS}",
        "apply",
        "apply/",
        f"send {Topic.DECISIONS}",
        f"acknowledged {Topic.DECISIONS}",
        "publish",
        "publish/",
        "trim",
    ]
    last = -1
    for step in expected:
        last = run.index(step, last + 1)


@pytest.mark.requirement("INF-01")
async def test_answers_of_apply_lost_on_the_way_change_nothing(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Till._call
    chunk_ids: list[str] = []

    async def lose_every_other_answer(self: Till, name: str, keys: Any, args: Any) -> Any:
        answer = await original(self, name, keys, args)
        if name == "apply":
            chunk_ids.append(msgspec.msgpack.decode(args[2])[0])
            if len(chunk_ids) % 2:
                raise Retryable("the connection broke after the script had run")
        return answer

    monkeypatch.setattr(Till, "_call", lose_every_other_answer)
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000))
    await system.applied()
    await system.send([text("acme", f"t-{n}", AMERICA) for n in range(30)])
    await system.settled()
    monkeypatch.undo()  # a replay calls the same scripts
    await prove(system, {"acme": Totals(1_000_000 - 30 * 10_000)})
    assert len(set(chunk_ids)) == len(chunk_ids)


async def test_redis_lost_in_mid_run_is_claimed_only_when_memory_is_published(
    system: System, worker: WorkerService, watch: Watch, steps: list[str]
) -> None:
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000))
    await system.settled()
    for publisher in (PlainPublisher, TransactionalPublisher):
        watch(publisher, "publish", "publish")
    watch(bucket_module.Bucket, "_claim", "claim")
    await system.send([text("acme", f"t-{n}", AMERICA) for n in range(40)])
    await system.redis.flushall()
    await system.settled()
    claim = steps.index("claim")
    assert steps[:claim].count("publish") == steps[:claim].count("publish/")
    await prove(system, {"acme": Totals(1_000_000 - 40 * 10_000)})


async def test_what_was_applied_before_redis_was_lost_is_in_the_ledger_as_it_was_applied(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decisions are out: applied a second time they could come out differently."""
    system.start_checkpointer()
    await worker.start()
    await system.send_commands(opening("acme", 1_000_000))
    await system.settled()
    apply, probe, publishers = Till.apply, Till.probe, (PlainPublisher, TransactionalPublisher)
    chunks: list[str] = []
    is_lost = asyncio.Event()

    async def apply_noted(self: Till, token: str, head: Any, chunk_id: str, chunk: Any) -> Any:
        answer = await apply(self, token, head, chunk_id, chunk)
        if isinstance(answer, Applied) and not is_lost.is_set():
            chunks.append(chunk_id)
        if isinstance(answer, Lost):
            is_lost.set()
        return answer

    async def probe_noted(self: Till, *arguments: Any) -> Any:
        # Where the last text is slow to come, an idle bucket finds out first.
        answer = await probe(self, *arguments)
        if isinstance(answer, Lost):
            is_lost.set()
        return answer

    monkeypatch.setattr(Till, "apply", apply_noted)
    monkeypatch.setattr(Till, "probe", probe_noted)
    for publisher in publishers:
        monkeypatch.setattr(publisher, "publish", held_until(is_lost, publisher.publish))
    for n in range(3):
        await system.send([text("acme", f"t-{n}", AMERICA)])
        await system.reached(partial(is_longer, chunks, n), f"text {n} applied")
    await system.redis.flushall()
    await system.send([text("acme", "t-3", AMERICA)])
    await system.settled()
    evidence = await prove(system, {"acme": Totals(1_000_000 - 4 * 10_000)})
    assert [entry["chunk"] for entry in evidence.all_entries if "event" in entry][: len(chunks)] == chunks


def held_until(is_lost: asyncio.Event, publish: Callable[..., Any]) -> Callable[..., Any]:
    """Publish only when Redis is known to be lost."""

    async def held(*arguments: Any) -> Any:
        await is_lost.wait()
        return await publish(*arguments)

    return held


async def is_longer(chunks: list[str], count: int) -> bool:
    """Whether more than so many chunks were applied."""
    return len(chunks) > count


async def test_restore_call_without_an_answer_is_not_repeated_under_its_token(
    system: System, worker: WorkerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first could still arrive, and empty a bucket that is in use."""
    tokens: list[str] = []

    def lose_the_first_answer(run: Callable[..., Any]) -> Callable[..., Any]:
        async def lost(self: Any, *command: Any, **options: Any) -> Any:
            answer = await run(self, *command, **options)
            if command[1] == Script.named("restore_begin").name and command[3] == BucketKeys(0).meta:
                tokens.append(command[3 + command[2]])
                if len(tokens) == 1:
                    raise ConnectionError("the connection broke after the script had run")
            return answer

        return lost

    monkeypatch.setattr(JoinedCalls, "execute_command", lose_the_first_answer(JoinedCalls.execute_command))
    await worker.start()

    async def is_claimed() -> bool:
        return (await system.status(0)).loaded

    await system.reached(is_claimed, "bucket 0 claimed")
    assert len(tokens) > 1
    assert len(set(tokens)) == len(tokens)
