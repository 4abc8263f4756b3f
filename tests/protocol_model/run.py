"""The run of a worker: apply the next chunk, probe when idle, and what LOST leads to. Publication is in publish.py."""

from collections.abc import Iterator
from itertools import product

from tests.protocol_model.calls import unanswered
from tests.protocol_model.claim import begin_claim
from tests.protocol_model.config import Check, Config
from tests.protocol_model.scripts import call_script, probe
from tests.protocol_model.state import NAMES, Call, State, Step, Worker, put_worker


def run_steps(config: Config, state: State, index: int) -> Iterator[Step]:
    """Yield the steps that apply or probe, open to a worker that runs and is not draining."""
    worker = state.workers[index]
    if worker.draining:
        return
    yield from _write_dead_letters(config, state, index)
    yield from _apply(config, state, index)
    idle = not worker.memory and worker.stage == "idle" and config.without is not Check.PROBE
    if idle and probe(config, state.redis, index, worker.head, worker.position).kind == "LOST":
        yield Step(f"{NAMES[index]} probes: LOST", answer_lost(config, state, index))


def answer_lost(config: Config, state: State, index: int) -> State:
    """Run 5: apply nothing new, publish what is in memory, then claim."""
    worker = state.workers[index]
    if worker.memory and config.without is not Check.DRAIN:
        return put_worker(state, index, worker._replace(draining=True))
    return begin_claim(config, state, index)


def _apply(config: Config, state: State, index: int) -> Iterator[Step]:
    """Run 1."""
    name, worker = NAMES[index], state.workers[index]
    for inputs in _choices(config, state, worker):
        chunk = state.chunks + 1
        call = Call("apply", index, worker.head, worker.position, chunk, inputs)
        redis, answer = call_script(config, state.redis, call)
        what = f"{name} applies {' and '.join(inputs)}"
        if answer.kind == "LOST":
            yield Step(f"{what}: LOST", answer_lost(config, state, index))
            return
        owed = tuple(name for name in inputs if name[0] == "d" and name not in state.letters)
        after = worker._replace(
            head=redis.head,
            position=redis.position,
            memory=worker.memory + answer.entries,
            letters=worker.letters + owed,
        )
        if answer.kind == "SINCE":
            label = f"{what}: applied before, {len(answer.entries)} entries since"
            yield Step(label, put_worker(state, index, after)._replace(redis=redis))
            return
        counted = state._replace(chunks=chunk) if answer.entries else state
        made = ", ".join(str(entry.seq) for entry in answer.entries)
        label = f"{what} as entry {made} of chunk {chunk}" if made else f"{what}: the position moves past it"
        yield Step(label, put_worker(counted, index, after)._replace(redis=redis))
        retried = state if config.without is Check.CHUNK_FRESH else counted
        yield from unanswered(retried, call, redis, label)


def _choices(config: Config, state: State, worker: Worker) -> Iterator[tuple[str, ...]]:
    """Yield chunks that could come next; which topic is older, and whether a timer is due, is left open."""
    room = min(config.chunk_max, config.memory_max - len(worker.memory))
    for length in range(1, room + 1):
        for kinds in product("uct", repeat=length):
            inputs = _take(config, state, worker, kinds)
            if inputs:
                yield inputs


def _take(config: Config, state: State, worker: Worker, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Name the next records of the topics in the order given; nothing where one has no more."""
    usage, commands = worker.position
    timers = sum(effect[0] == "t" for effect in state.redis.wallets)
    names = []
    for kind in kinds:
        if kind == "u" and usage < len(config.usage):
            names.append(f"{config.usage[usage]}{usage}")
            usage += 1
        elif kind == "c" and commands < len(config.commands):
            names.append(f"c{commands}")
            commands += 1
        elif kind == "t" and timers < config.timers:
            names.append(f"t{timers}")
            timers += 1
        else:
            return ()
    # A dead letter has been written and acknowledged before a script moves the position past it.
    written = all(name in state.letters for name in names if name[0] == "d")
    return tuple(names) if written or config.without is Check.LETTERS_FIRST else ()


def _write_dead_letters(config: Config, state: State, index: int) -> Iterator[Step]:
    """Write the records that cannot be decoded to their topic, before the position moves past them."""
    worker = state.workers[index]
    offset = worker.position[0]
    letter = f"d{offset}" if config.usage[offset : offset + 1] == "d" else ""
    if config.without is Check.LETTERS_FIRST:
        letter = worker.letters[0] if worker.letters else ""
    if letter and (letter not in state.letters or worker.letters):
        after = put_worker(state, index, worker._replace(letters=worker.letters[1:]))
        yield Step(f"{NAMES[index]} writes dead letter {letter}", after._replace(letters=state.letters | {letter}))
