"""The broker: the ledger under the readers' rule, transactions with fencing, side topics and the group's offsets."""

from tests.protocol_model.config import Check, Config
from tests.protocol_model.state import Entry, Position, State, Worker, ledger_end


def append(config: Config, state: State, writer: int, entry: Entry) -> State:
    """Write one record to the ledger without a transaction.

    Readers count it if and only if it goes on from the last entry that counts; what they drop is not kept here, because
    it never counts later. That something was written still shows to the other worker, in its own next offset.
    """
    first, second = state.workers
    other = (second if writer == 0 else first)._replace(foreign=True)
    workers = (first, other) if writer == 0 else (other, second)
    return state._replace(workers=workers, ledger=_counted(config, state.ledger, entry))


def commit_transaction(config: Config, state: State, entries: tuple[Entry, ...], position: Position) -> State:
    """Write entries and offsets at once, as readers of committed records see it. The caller has seen to the fence."""
    ledger = state.ledger
    for entry in entries:
        ledger = _counted(config, ledger, entry)
    return state._replace(ledger=ledger, committed=position)


def notices_writer(worker: Worker) -> Worker:
    """Return the worker after one of its own records came back with an offset: a gap shows that someone else wrote."""
    return worker._replace(foreign=False, rescan=True) if worker.foreign else worker


def _counted(config: Config, ledger: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """The readers' rule."""
    seq, chunk = ledger_end(ledger)
    follows = entry.prev_chunk == chunk or config.without is Check.READERS_CHUNK
    return (*ledger, entry) if entry.seq == seq + 1 and follows else ledger
