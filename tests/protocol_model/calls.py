"""Calls to Redis as their caller lives through them: answered, answered in vain, or not yet arrived."""

from collections.abc import Callable, Iterator

from tests.protocol_model.config import Config
from tests.protocol_model.scripts import call_script
from tests.protocol_model.state import NOBODY, UNDER_WAY, Call, Redis, State, Step


def unanswered(
    state: State, call: Call, redis: Redis, label: str, give_up: Callable[[State], State] = lambda state: state
) -> Iterator[Step]:
    """Yield what may happen instead of an answer: `redis` is what the call leaves, `give_up` what its caller then does.

    In the first case the script has had its effect; in the second it may have it at any later time, or never.
    """
    left = state.left
    if left.lost and redis != state.redis:
        hit = state._replace(redis=redis, left=left._replace(lost=left.lost - 1))
        yield Step(f"{label}; the answer is lost", give_up(hit), fault=True)
    if left.late and state.late is None:
        missed = state._replace(late=call, left=left._replace(late=left.late - 1))
        yield Step(f"{label}: no answer, and the call is still under way", give_up(missed), fault=True)


def late_steps(config: Config, state: State) -> Iterator[Step]:
    """Yield the arrival of the call that is under way."""
    if state.late is not None:
        redis, answer = call_script(config, state.redis, state.late)
        label = f"the late {state.late.script} reaches Redis: {answer.kind}"
        arrived = state._replace(redis=redis, late=None)
        yield Step(label, _rename_token(arrived, UNDER_WAY, NOBODY), fault=True)


def forget_token(state: State, index: int) -> State:
    """Rename a token wherever it is written: the worker that held it takes a new one, or is gone."""
    sent = state.late is not None and state.late.token == index
    return _rename_token(state, index, UNDER_WAY if sent else NOBODY)


def _rename_token(state: State, old: int, new: int) -> State:
    redis, snapshot, late = state.redis, state.snapshot, state.late
    if redis.token == old:
        redis = redis._replace(token=new)
    if snapshot.token == old:
        snapshot = snapshot._replace(token=new)
    if late is not None and late.token == old:
        late = late._replace(token=new)
    return state._replace(redis=redis, snapshot=snapshot, late=late)
