"""The claim of a bucket by a worker, step by step as numbered in docs/protocol.md, up to the run."""

from collections.abc import Iterator

from tests.protocol_model.calls import forget_token, unanswered
from tests.protocol_model.config import Check, Config
from tests.protocol_model.scripts import call_script, claim
from tests.protocol_model.state import (
    NAMES,
    NOBODY,
    ORIGIN,
    START,
    UNDER_WAY,
    Call,
    Phase,
    Position,
    State,
    Step,
    Worker,
    ledger_end,
    ledger_history,
    put_worker,
)

ORDER: tuple[Phase, ...] = ("fence", "token", "scan", "compare")
ORDER_TOKEN_LATE: tuple[Phase, ...] = ("fence", "scan", "token", "compare")


def begin_claim(config: Config, state: State, index: int) -> State:
    """Drop what the worker holds and let it claim, if it still takes the bucket for its own; otherwise it is off.

    From here on nobody holds its old token, wherever that is written.
    """
    claims = index == state.owner or config.zombie_claims
    first: Phase = "fence" if config.transactions else _order(config)[1]
    return forget_token(put_worker(state, index, Worker(phase=first if claims else "off")), index)


def switch_off(state: State, index: int) -> State:
    """End a worker, and with it its token."""
    return forget_token(put_worker(state, index, Worker()), index)


def claim_steps(config: Config, state: State, index: int) -> Iterator[Step]:
    """Yield the steps open to a worker that is claiming."""
    name, worker = NAMES[index], state.workers[index]
    match worker.phase:
        case "fence":  # Claim 1
            fenced = put_worker(state, index, _next(config, worker))._replace(producer=index)
            yield Step(f"{name} starts the bucket's producer, which fences any other", fenced)
        case "token":  # Claim 2
            redis = claim(state.redis, index)
            label = f"{name} claims with a new token"
            # The answer names the bucket's base, to read on from there. It matters only where that does not count.
            base = redis.base if redis.base not in {entry.pair for entry in state.ledger} else START
            yield Step(label, put_worker(state, index, _next(config, worker)._replace(end=base))._replace(redis=redis))
            # A caller that saw no answer claims again with another token, so this one is nobody's.
            yield from unanswered(state, Call("claim", UNDER_WAY), claim(state.redis, NOBODY), label)
        case "scan":  # Claim 3
            misled = worker.end[0] > state.postgres.seq
            end = worker.end if misled else ledger_end(state.ledger)
            scanned = _next(config, worker)._replace(end=end, foreign=False)
            if config.transactions:
                scanned = scanned._replace(position=state.committed)
            yield Step(f"{name} reads the ledger's end: {_pair(end)}", put_worker(state, index, scanned))
        case "compare":  # Claim 4
            yield from _compare(config, state, index)
        case "wait":
            yield from _wait(config, state, index)
        case "restore":
            yield from _restore(config, state, index)
        case _:
            return


def _compare(config: Config, state: State, index: int) -> Iterator[Step]:
    """OK: publish the outbox, run from the bucket's position. RESTORE: wait for the checkpoint."""
    name, worker = NAMES[index], state.workers[index]
    call = Call("compare", index, worker.end)
    redis, answer = call_script(config, state.redis, call)
    label = f"{name} compares: {answer.kind}"
    if answer.kind == "OK":
        runs = Worker("run", head=redis.head, position=redis.position, memory=answer.entries)
        after = runs._replace(foreign=worker.foreign)
        label += f", {len(answer.entries)} in the outbox"
    else:
        after = worker._replace(phase="wait")
    yield Step(label, put_worker(state, index, after)._replace(redis=redis))
    yield from unanswered(state, call, redis, label)


def _wait(config: Config, state: State, index: int) -> Iterator[Step]:
    """The checkpoint must stand exactly at the end that was read; if the ledger moves on, back to the claim's start."""
    name, worker = NAMES[index], state.workers[index]
    checkpoint = ledger_end(state.ledger, state.postgres.seq)
    if checkpoint == worker.end or config.without is Check.RESTORE_EXACT:
        position = _restored_position(config, state, worker)
        reads = worker._replace(phase="restore", end=checkpoint, position=position)
        yield Step(f"{name} reads the checkpoint at {_pair(checkpoint)}", put_worker(state, index, reads))
    if ledger_end(state.ledger) != worker.end:
        yield Step(f"{name} sees the ledger move on: back to the claim", begin_claim(config, state, index))


def _restored_position(config: Config, state: State, worker: Worker) -> Position:
    """The checkpoint's; with transactions, the committed offsets where they are further: past inputs without an entry.

    Those were read before the ledger's end, so that no entry can lie between that end and them.
    """
    seq = state.postgres.seq
    usage, commands = state.ledger[seq - 1].position if seq else ORIGIN
    if config.without is Check.POSITION:
        return state.committed
    if config.transactions:
        committed = state.committed if config.without is Check.COMMITTED_FIRST else worker.position
        return (max(usage, committed[0]), max(commands, committed[1]))
    return (usage, commands)


def _restore(config: Config, state: State, index: int) -> Iterator[Step]:
    """Make the next of the restore calls; a refusal or a missing answer leads back to the claim, and to a new token."""
    name, worker = NAMES[index], state.workers[index]
    label, call = _restore_call(config, state, index)
    redis, answer = call_script(config, state.redis, call)
    if answer.kind == "LOST":
        yield Step(f"{name} {label}: LOST, back to the claim", begin_claim(config, state, index))
        return
    if call.script == "restore_end":
        after = Worker("run", head=worker.end, position=worker.position, foreign=worker.foreign)
    else:
        after = worker._replace(loaded=worker.loaded + 1)
    label = f"{name} {label}"
    yield Step(label, put_worker(state, index, after)._replace(redis=redis))
    if config.without is Check.RESTORE_TOKEN:
        yield from unanswered(state, call, redis, label)
    else:
        yield from unanswered(state, call, redis, label, lambda hit: begin_claim(config, hit, index))


def _restore_call(config: Config, state: State, index: int) -> tuple[str, Call]:
    worker = state.workers[index]
    if worker.loaded == 0:
        return "begins the restore", Call("restore_begin", index)
    if worker.loaded <= config.restore_chunks:
        wallets = ledger_history(state.ledger[: worker.end[0]])
        return f"restores part {worker.loaded}", Call("restore_chunk", index, number=worker.loaded - 1, effects=wallets)
    return "ends the restore", Call("restore_end", index, worker.end, worker.position)


def _order(config: Config) -> tuple[Phase, ...]:
    return ORDER_TOKEN_LATE if config.without is Check.TOKEN_FIRST else ORDER


def _next(config: Config, worker: Worker) -> Worker:
    order = _order(config)
    return worker._replace(phase=order[order.index(worker.phase) + 1])


def _pair(pair: tuple[int, int]) -> str:
    return f"entry {pair[0]} of chunk {pair[1]}" if pair[0] else "nothing"
