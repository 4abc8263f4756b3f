"""The publication of what a worker holds in memory: decisions, side topics, ledger, offsets, trim, in this order."""

from collections.abc import Iterator

from tests.protocol_model.broker import append, commit_transaction, notices_writer
from tests.protocol_model.calls import unanswered
from tests.protocol_model.claim import begin_claim
from tests.protocol_model.config import Check, Config
from tests.protocol_model.run import answer_lost
from tests.protocol_model.scripts import call_script
from tests.protocol_model.state import NAMES, Call, Entry, Stage, State, Step, Worker, ledger_end, put_worker

TRANSACTIONAL: tuple[Stage, ...] = ("tell", "commit", "trim")
AT_LEAST_ONCE: tuple[Stage, ...] = ("tell", "side", "write", "check", "commit", "trim")


def publish_steps(config: Config, state: State, index: int) -> Iterator[Step]:
    """Yield the next step of the publication; there is one at most, as it goes in order."""
    worker = state.workers[index]
    match worker.stage:
        case "idle" if worker.letters:
            return
        case "idle" if worker.memory:
            batch = worker._replace(stage=_stages(config)[0], batch=len(worker.memory))
            yield from publish_steps(config, put_worker(state, index, batch), index)
        case "idle" if worker.position != state.committed:
            yield _commit_position(config, state, index)
        case "tell":
            yield _tell(config, state, index)
        case "side":
            yield _write_side(config, state, index)
        case "write":
            yield _write_ledger(config, state, index)
        case "check":
            yield _check_end(config, state, index)
        case "commit":
            yield _commit(config, state, index)
        case "trim":
            yield from _trim(config, state, index)
        case _:
            return


def _tell(config: Config, state: State, index: int) -> Step:
    """Run 2: send a decision and await its acknowledgement; timer effects have none. Repeats carry the same id."""
    worker = state.workers[index]
    entry = worker.memory[worker.done]
    after = _advance(config, worker)
    if entry.effect[0] == "t":
        return Step(f"{NAMES[index]} has no decision to send on {entry.effect}", put_worker(state, index, after))
    label = f"{NAMES[index]} sends the decision on {entry.effect}"
    return Step(label, put_worker(state, index, after)._replace(decisions=state.decisions | {entry.history}))


def _write_side(config: Config, state: State, index: int) -> Step:
    """Run 3, without transactions: everything but the ledger comes first and is awaited."""
    worker = state.workers[index]
    after = _advance(config, worker._replace(done=worker.batch - 1))
    side = state.side | {entry.history for entry in worker.memory[: worker.batch]}
    return Step(f"{NAMES[index]} writes the side topics", put_worker(state, index, after)._replace(side=side))


def _write_ledger(config: Config, state: State, index: int) -> Step:
    """Run 3, without transactions: the ledger in order."""
    worker = state.workers[index]
    entry = worker.memory[worker.done]
    after = _advance(config, notices_writer(worker))
    written = append(config, put_worker(state, index, after), index, entry)
    counts = "" if len(written.ledger) > len(state.ledger) else ", which no reader counts"
    return Step(f"{NAMES[index]} writes {_entry(entry)} to the ledger{counts}", written)


def _check_end(config: Config, state: State, index: int) -> Step:
    """Run 3, without transactions: someone else wrote, so the effective end must be the last entry of this batch."""
    worker = state.workers[index]
    name = NAMES[index]
    if ledger_end(state.ledger) != worker.memory[worker.batch - 1].pair:
        return Step(f"{name} scans the ledger: the end is not its own, claim", begin_claim(config, state, index))
    after = _advance(config, worker._replace(rescan=False, foreign=False))
    return Step(f"{name} scans the ledger: the end is its own", put_worker(state, index, after))


def _commit(config: Config, state: State, index: int) -> Step:
    """Run 3: the offsets of the last entry; with transactions, at one with the ledger and side topics."""
    name, worker = NAMES[index], state.workers[index]
    batch = worker.memory[: worker.batch]
    last = batch[-1]
    after = _advance(config, worker._replace(done=worker.batch - 1))
    if not config.transactions:
        return Step(f"{name} commits its offsets", put_worker(state, index, after)._replace(committed=last.position))
    if state.producer != index and config.without is not Check.FENCING:
        return _fenced(config, state, index)
    what = ", ".join(_entry(entry) for entry in batch)
    committed = commit_transaction(config, put_worker(state, index, after), batch, last.position)
    return Step(f"{name} commits {what} and the offsets", committed)


def _commit_position(config: Config, state: State, index: int) -> Step:
    """Commit the offsets of inputs that made no entry, once everything before them is published."""
    worker = state.workers[index]
    if config.transactions and state.producer != index and config.without is not Check.FENCING:
        return _fenced(config, state, index)
    return Step(f"{NAMES[index]} commits its position", state._replace(committed=worker.position))


def _fenced(config: Config, state: State, index: int) -> Step:
    """Run, fenced: drop what is in memory; claim again only if still assigned."""
    return Step(f"{NAMES[index]} is fenced and drops what it holds", begin_claim(config, state, index))


def _trim(config: Config, state: State, index: int) -> Iterator[Step]:
    """Run 4: the outbox up to here is not needed any more."""
    name, worker = NAMES[index], state.workers[index]
    after = worker._replace(stage="idle", memory=worker.memory[worker.batch :], batch=0, done=0)
    published = put_worker(state, index, after)
    if worker.draining:
        if after.memory:
            yield Step(f"{name} goes on with the rest of its memory", published)
        else:
            yield Step(f"{name} has published its memory: claim", begin_claim(config, published, index))
        return
    call = Call("trim", index, worker.memory[worker.batch - 1].pair)
    redis, answer = call_script(config, state.redis, call)
    if answer.kind == "LOST":
        yield Step(f"{name} trims: LOST", answer_lost(config, published, index))
        return
    yield Step(f"{name} trims", published._replace(redis=redis))
    yield from unanswered(state, call, redis, f"{name} trims")


def _stages(config: Config) -> tuple[Stage, ...]:
    """Return the stages in order; decisions that are not awaited are still under way when the offsets are committed."""
    stages = TRANSACTIONAL if config.transactions else AT_LEAST_ONCE
    match config.without:
        case Check.DECISIONS_AWAITED:
            return (*stages[1:-1], "tell", "trim")
        case Check.SIDE_FIRST:
            return ("tell", "write", "check", "commit", "side", "trim")
        case _:
            return stages


def _advance(config: Config, worker: Worker) -> Worker:
    """Go on to the next entry of the batch, or after the last one to the next stage; scan only where needed."""
    if worker.done + 1 < worker.batch:
        return worker._replace(done=worker.done + 1)
    stages = _stages(config)
    following = stages[stages.index(worker.stage) + 1]
    if following == "check" and (not worker.rescan or config.without is Check.OWN_END):
        following = "commit"
    return worker._replace(stage=following, done=0)


def _entry(entry: Entry) -> str:
    return f"entry {entry.seq} of chunk {entry.chunk} ({entry.effect})"
