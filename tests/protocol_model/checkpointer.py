"""The checkpointer: counts entries by the readers' rule and writes them with the position row in one transaction."""

from collections.abc import Iterator

from tests.protocol_model.config import Check, Config
from tests.protocol_model.state import Checkpointer, Postgres, State, Step


def checkpoint_steps(config: Config, state: State) -> Iterator[Step]:
    """Yield what the checkpointers could do; they lag by not being scheduled."""
    last = len(state.ledger)
    if config.checkpointers == 1:
        if state.postgres.seq < last:
            rows = (*state.postgres.rows, *range(state.postgres.seq + 1, last + 1))
            yield Step(f"the checkpoint is written up to {last}", state._replace(postgres=Postgres(rows, last)))
        return
    for index, checkpointer in enumerate(state.checkpointers):
        name = f"checkpointer {index + 1}"
        if checkpointer is not None:
            yield _write(config, state, index, name)
        elif state.postgres.seq < last:
            read = _put(state, index, (state.postgres.seq, last))
            yield Step(f"{name} reads position row {state.postgres.seq} and the ledger up to {last}", read)


def _write(config: Config, state: State, index: int, name: str) -> Step:
    """One Postgres transaction, conditional on the position row that was read."""
    checkpointer = state.checkpointers[index]
    first, last = checkpointer or (0, 0)
    after = _put(state, index, None)
    if state.postgres.seq != first and config.without is not Check.CHECKPOINT_CONDITIONAL:
        return Step(f"{name} finds another position row and writes nothing", after)
    rows = (*state.postgres.rows, *range(first + 1, last + 1))
    return Step(f"{name} writes rows {first + 1} to {last}", after._replace(postgres=Postgres(rows, last)))


def _put(state: State, index: int, checkpointer: Checkpointer) -> State:
    before, after = state.checkpointers[:index], state.checkpointers[index + 1 :]
    return state._replace(checkpointers=(*before, checkpointer, *after))
