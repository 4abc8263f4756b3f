"""The state of the modelled world: one bucket, two workers, Redis, the broker, Postgres. Immutable tuples only.

What moves it lives in the other modules. Every part is kept in the one form that the future depends on, so that two
ways to the same situation meet: a token is named by the worker that still holds it, and records that no reader counts
are not kept.
"""

from typing import Literal, NamedTuple

from tests.protocol_model.config import Config, Faults

Position = tuple[int, int]
"""Next offset of the usage topic and of the commands topic."""
Pair = tuple[int, int]
"""(seq, chunk): what tells entries apart."""
History = tuple[str, ...]
"""Effects in the order in which they were applied: stands for the wallets, which are their fold."""

START: Pair = (0, 0)
ORIGIN: Position = (0, 0)
NOBODY = -1
UNDER_WAY = -2
"""A token that only the late call still carries."""
NAMES = "AB"

READY = -1
EMPTY = -2

Phase = Literal["off", "fence", "token", "scan", "compare", "wait", "restore", "run"]
"""Where a worker is: the numbered steps of the claim, then the run."""
Stage = Literal["idle", "tell", "side", "write", "check", "commit", "trim"]
"""Where the publication of a batch is, beside which the next chunk may be applied."""


class Entry(NamedTuple):
    """One ledger entry; `before` is not in the real one: the state that its result was computed from."""

    seq: int
    chunk: int
    prev_chunk: int
    effect: str
    position: Position
    before: History

    @property
    def pair(self) -> Pair:
        return (self.seq, self.chunk)

    @property
    def history(self) -> History:
        return (*self.before, self.effect)


class Redis(NamedTuple):
    """What Redis holds for the bucket."""

    token: int = NOBODY
    """The worker whose current token this is; NOBODY or UNDER_WAY when its holder has died or taken a newer one."""
    load: int = EMPTY
    """READY, EMPTY, or the number of restore chunks received."""
    base: Pair = START
    outbox: tuple[Entry, ...] = ()
    """The entries in (base, head]."""
    position: Position = ORIGIN
    wallets: History = ()
    parts: frozenset[int] = frozenset()
    """Which restore chunks the wallets really hold; no script can see this."""

    @property
    def head(self) -> Pair:
        return self.outbox[-1].pair if self.outbox else self.base


class Call(NamedTuple):
    """A call of a script, as data, because it may reach Redis after its caller has given up."""

    script: Literal["claim", "compare", "apply", "restore_begin", "restore_chunk", "restore_end", "trim"]
    token: int
    pair: Pair = START
    """The expected head, the ledger's end, the head to restore, or the entry to trim to."""
    position: Position = ORIGIN
    number: int = 0
    """The chunk id, or the number of a restore chunk."""
    effects: History = ()
    """The inputs to apply, or the wallets to restore."""


class Worker(NamedTuple):
    """What a worker holds in memory, all of which a crash takes away."""

    phase: Phase = "off"
    end: Pair = START
    """The ledger's effective end as the claim has read it."""
    loaded: int = 0
    """Restore calls made: begin, each chunk, end."""
    head: Pair = START
    position: Position = ORIGIN
    memory: tuple[Entry, ...] = ()
    """Applied and not yet wholly published."""
    stage: Stage = "idle"
    batch: int = 0
    """How many entries of `memory` are being published."""
    done: int = 0
    """How many of them have passed the present stage."""
    draining: bool = False
    """LOST was answered: apply nothing new, publish what is in memory, then claim."""
    foreign: bool = False
    """Someone else has written to the ledger since this worker last looked; not known to it yet."""
    rescan: bool = False
    """The offsets of its own records have shown that."""
    letters: tuple[str, ...] = ()
    """Dead letters owed; only ever filled with a check left out."""


class Postgres(NamedTuple):
    """The checkpoint: rows by seq, and the position row."""

    rows: tuple[int, ...] = ()
    seq: int = 0


Checkpointer = tuple[int, int] | None
"""The position row that it read and the seq up to which it holds entries; None between two writes."""


class State(NamedTuple):
    """Everything."""

    owner: int
    workers: tuple[Worker, Worker]
    redis: Redis
    snapshot: Redis
    """The earlier state that Redis would come back in."""
    late: Call | None
    """A call still under way whose caller has given up."""
    ledger: tuple[Entry, ...]
    """The entries that count by the readers' rule; what they drop never counts later."""
    producer: int
    """Whose transactional producer is the newest; all others are fenced."""
    committed: Position
    """The consumer group's offsets."""
    decisions: frozenset[History]
    """Each decision sent: the history that ends with its input, which is what it may depend on."""
    side: frozenset[History]
    """The same for records on side topics, where they are not part of a transaction."""
    letters: frozenset[str]
    """Inputs written to the dead-letter topic."""
    postgres: Postgres
    checkpointers: tuple[Checkpointer, ...]
    chunks: int
    """Chunk ids handed out: a counter is as fresh as a random number."""
    left: Faults


class Step(NamedTuple):
    """One atomic step of the world."""

    label: str
    state: State
    fault: bool = False


def initial_state(config: Config) -> State:
    """Return the world at rest: worker A owns the bucket, nothing has been applied."""
    ready = Redis(token=0, load=READY, parts=frozenset(range(config.restore_chunks)))
    first: Phase = "fence" if config.transactions else "token"
    redis = Redis() if config.cold else ready
    return State(
        owner=0,
        workers=(Worker(phase=first if config.cold else "run"), Worker()),
        redis=redis,
        snapshot=redis if config.faults.rollback else Redis(),
        late=None,
        ledger=(),
        producer=0 if config.transactions and not config.cold else NOBODY,
        committed=ORIGIN,
        decisions=frozenset(),
        side=frozenset(),
        letters=frozenset(),
        postgres=Postgres(),
        checkpointers=(None,) * config.checkpointers,
        chunks=0,
        left=config.faults,
    )


def ledger_end(ledger: tuple[Entry, ...], seq: int | None = None) -> Pair:
    """Return the identity of the entry at `seq`, or of the last one."""
    if seq == 0 or not ledger:
        return START
    return ledger[-1 if seq is None else seq - 1].pair


def ledger_history(ledger: tuple[Entry, ...]) -> History:
    """Return the effects of the ledger in order: the fold that Redis must hold."""
    return tuple(entry.effect for entry in ledger)


def put_worker(state: State, index: int, worker: Worker) -> State:
    """Return the state with one worker changed."""
    workers = (worker, state.workers[1]) if index == 0 else (state.workers[0], worker)
    return state._replace(workers=workers)
