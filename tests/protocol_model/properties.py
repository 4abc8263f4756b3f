"""What must hold: in every state (safety), and of the state in which everything comes to rest (liveness)."""

from tests.protocol_model.config import Config
from tests.protocol_model.state import (
    NAMES,
    ORIGIN,
    READY,
    START,
    Entry,
    History,
    Position,
    State,
    ledger_end,
    ledger_history,
)


def violation(config: Config, state: State) -> str | None:
    """Return what is wrong with a state, or None.

    The intact protocol must also keep what is only a step on the way to harm. With a check left out that is not looked
    at, so that the trace goes on to the harm itself.
    """
    return (
        _ledger_wrong(state)
        or _offsets_wrong(config, state)
        or _decisions_wrong(config, state)
        or _redis_wrong(config, state)
        or _books_wrong(state)
        or (_intact_wrong(config, state) if config.without is None else None)
    )


def at_rest(config: Config, state: State) -> bool:
    """Return whether all inputs have their entries and decisions, and everyone agrees and has nothing left to do."""
    owner, other = state.workers[state.owner], state.workers[1 - state.owner]
    end = ledger_end(state.ledger)
    last = (len(config.usage), len(config.commands))
    redis = state.redis
    return (
        (owner.phase, owner.stage, owner.memory, owner.head, owner.position) == ("run", "idle", (), end, last)
        and other.phase == "off"
        and _covered(config, state, last) is None
        and state.committed == last
        and (redis.token, redis.load, redis.head) == (state.owner, READY, end)
        and _covers_entries(config, redis.position)
        and redis.wallets == ledger_history(state.ledger)
        and state.postgres.seq == len(state.ledger)
    )


def _covers_entries(config: Config, position: Position) -> bool:
    """Return whether only inputs without an entry lie beyond: Redis may forget those until the next apply."""
    return set(config.usage[position[0] :]) <= {"d"} and position[1] == len(config.commands)


def _ledger_wrong(state: State) -> str | None:
    """Each input one entry, in the order of its topic, computed from the fold of the entries before it."""
    history: History = ()
    for entry in state.ledger:
        if entry.effect in history:
            return f"{entry.effect} has two entries in the ledger"
        if entry.before != history:
            return f"entry {entry.seq} was not computed from what the ledger says before it"
        history = entry.history
    return None


def _offsets_wrong(config: Config, state: State) -> str | None:
    """An input below an offset that was committed, or an entry's position, has its entry or its dead letter."""
    for position in (state.committed, *(entry.position for entry in state.ledger)):
        missing = _covered(config, state, position)
        if missing:
            return f"the offset of {missing} is committed, but it has no entry and no dead letter"
    return None


def _covered(config: Config, state: State, position: Position) -> str | None:
    """Return an input below the position that has neither an entry nor a dead letter."""
    if position == ORIGIN:
        return None
    names = [f"{kind}{offset}" for offset, kind in enumerate(config.usage[: position[0]])]
    names += [f"c{offset}" for offset in range(position[1])]
    there = state.letters.union(ledger_history(state.ledger))
    return next((name for name in names if name not in there), None)


def _decisions_wrong(config: Config, state: State) -> str | None:
    """No decision is lost, and none comes out differently the second time, but in the documented gap."""
    for entry in state.ledger:
        topic = "uc".find(entry.effect[0])
        passed = topic >= 0 and int(entry.effect[1:]) < state.committed[topic]
        if passed and entry.history not in state.decisions and not _held(state, entry):
            return f"the offset of {entry.effect} is committed, and nobody is left to send its decision"
        if not config.transactions and entry.history not in state.side and not _held(state, entry):
            return f"{entry.effect} is in the ledger, and nobody is left to write its records on side topics"
    if not _in_gap(config, state):
        told = [history[-1] for history in state.decisions]
        for effect in told:
            if told.count(effect) > 1:
                return f"the decision on {effect} was sent twice and came out differently"
    return None


def _held(state: State, entry: Entry) -> bool:
    """Return whether a worker has the entry in memory and may still publish what belongs to it."""
    return any(entry in worker.memory for worker in state.workers)


def _in_gap(config: Config, state: State) -> bool:
    """The one documented gap: a zombie or a crash, together with a lost Redis."""
    had, left = config.faults, state.left
    return (had.crash + had.rebalance > left.crash + left.rebalance) and (
        had.wipe + had.rollback > left.wipe + left.rollback
    )


def _redis_wrong(config: Config, state: State) -> str | None:
    """A usable bucket holds all its wallets, and they are the fold of the history that its head names."""
    redis = state.redis
    if redis.load != READY:
        return None
    if len(redis.parts) != config.restore_chunks:
        return "Redis is usable, but a part of its wallets is missing"
    known = redis.base == START or redis.base in {entry.pair for entry in state.ledger}
    history = ledger_history(state.ledger[: redis.base[0]]) if known else None
    for entry in redis.outbox:
        if history is not None and entry.before != history:
            return f"entry {entry.seq} in the outbox was not computed from what comes before it"
        history = entry.history
    if history is not None and redis.wallets != history:
        return "the wallets in Redis are not the fold of the ledger and the outbox"
    return None


def _intact_wrong(config: Config, state: State) -> str | None:
    """Decisions come before offsets; who goes on does so from the fold of the ledger and of what it has to publish."""
    for entry in state.ledger:
        topic = "uc".find(entry.effect[0])
        if topic >= 0 and int(entry.effect[1:]) < state.committed[topic] and entry.history not in state.decisions:
            return f"the offset of {entry.effect} is committed before its decision is sent"
    redis = state.redis
    if redis.load == READY and redis.base != START and redis.base not in {entry.pair for entry in state.ledger}:
        return f"Redis takes entry {redis.base[0]} of chunk {redis.base[1]} for published, and it is not"
    for index, worker in enumerate(state.workers):
        alone = state.producer == index if config.transactions else not (worker.foreign or worker.rescan)
        goes_on = worker.phase == "run" and not worker.draining and worker.head == redis.head
        if alone and goes_on and (redis.token, redis.load) == (index, READY):
            unpublished = [entry.effect for entry in worker.memory if entry.seq > len(state.ledger)]
            if redis.wallets != (*ledger_history(state.ledger), *unpublished):
                return f"{NAMES[index]} goes on with wallets that are not the fold of the ledger and the outbox"
    return None


def _books_wrong(state: State) -> str | None:
    rows = state.postgres.rows
    if len(set(rows)) != len(rows):
        return f"Postgres holds rows twice: {list(rows)}"
    if rows != tuple(range(1, state.postgres.seq + 1)):
        return f"Postgres holds rows {list(rows)} at position {state.postgres.seq}"
    return None
