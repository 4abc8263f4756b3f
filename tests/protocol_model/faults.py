"""What may go wrong, each as often as the configuration allows. Calls that find no answer are in calls.py."""

from collections.abc import Iterator

from tests.protocol_model.claim import begin_claim, switch_off
from tests.protocol_model.config import Config
from tests.protocol_model.state import NAMES, Redis, State, Step


def fault_steps(config: Config, state: State) -> Iterator[Step]:
    """Yield the faults that may still happen now."""
    left, owner = state.left, state.owner
    if left.crash:
        crashed = begin_claim(config, state, owner)
        label = f"{NAMES[owner]} crashes and starts again"
        yield Step(label, crashed._replace(left=left._replace(crash=left.crash - 1)), fault=True)
    if left.rebalance:
        moved = state._replace(owner=1 - owner, left=left._replace(rebalance=left.rebalance - 1))
        label = f"the bucket is given to {NAMES[1 - owner]}; {NAMES[owner]} does not know it yet"
        yield Step(label, begin_claim(config, moved, 1 - owner), fault=True)
    if left.wipe and state.redis != Redis():
        wiped = state._replace(redis=Redis(), left=left._replace(wipe=left.wipe - 1))
        yield Step("Redis loses everything", wiped, fault=True)
    if left.rollback and state.snapshot != state.redis:
        snapshot = state.snapshot if left.rollback > 1 else Redis()
        rolled = state._replace(redis=state.snapshot, snapshot=snapshot, left=left._replace(rollback=left.rollback - 1))
        yield Step("Redis comes back in an earlier state", rolled, fault=True)
        yield Step("(the state that Redis will come back in)", state._replace(snapshot=state.redis), fault=True)


def zombie_steps(state: State) -> Iterator[Step]:
    """Yield the end of a worker that is told at last that the bucket is not its own; not a fault, for it must come."""
    zombie = 1 - state.owner
    if state.workers[zombie].phase != "off":
        yield Step(f"{NAMES[zombie]} learns that the bucket is not its own any more", switch_off(state, zombie))
