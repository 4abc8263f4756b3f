"""The search: every state reachable within the bounds, breadth first, so that a trace found is a shortest one."""

import gc
import time
from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.protocol_model.calls import late_steps
from tests.protocol_model.checkpointer import checkpoint_steps
from tests.protocol_model.claim import claim_steps
from tests.protocol_model.config import Config
from tests.protocol_model.faults import fault_steps, zombie_steps
from tests.protocol_model.properties import at_rest, violation
from tests.protocol_model.publish import publish_steps
from tests.protocol_model.run import run_steps
from tests.protocol_model.state import State, Step, initial_state

STANDSTILL = "here it stays, with inputs unanswered or Redis not what the ledger says"
Key = tuple[int, ...]


@dataclass
class Result:
    """What a search found; `failure` is None when all properties hold."""

    config: Config
    states: int
    steps: int
    seconds: float
    failure: str | None = None
    trace: list[str] = field(default_factory=list)


def next_steps(config: Config, state: State) -> Iterator[Step]:
    """Yield every step that anyone could take."""
    for index in (0, 1):
        if state.workers[index].phase == "run":
            yield from run_steps(config, state, index)
            yield from publish_steps(config, state, index)
        else:
            yield from claim_steps(config, state, index)
    yield from checkpoint_steps(config, state)
    yield from zombie_steps(state)
    yield from late_steps(config, state)
    yield from fault_steps(config, state)


class Store:
    """The states seen, each as the numbers of its parts: most parts of a state are those of the one it came from."""

    def __init__(self) -> None:
        width = len(State._fields)
        self._numbers: list[dict[Any, int]] = [{} for _ in range(width)]
        self._parts: list[list[Any]] = [[] for _ in range(width)]
        self._seen: dict[Key, int] = {}
        self.keys: list[Key] = []

    def add(self, state: State, parent: State | None, parent_key: Key) -> bool:
        """Number a state; return whether it is new."""
        key = tuple(
            [
                parent_key[place] if parent is not None and part is parent[place] else self._number(place, part)
                for place, part in enumerate(state)
            ]
        )
        self.number = self._seen.setdefault(key, len(self.keys))
        if self.number < len(self.keys):
            return False
        self.keys.append(key)
        return True

    def state(self, number: int) -> State:
        """Return the state of a number."""
        return State(*[parts[part] for parts, part in zip(self._parts, self.keys[number], strict=True)])

    def _number(self, place: int, part: Any) -> int:
        numbers = self._numbers[place]
        number = numbers.setdefault(part, len(numbers))
        if number == len(self._parts[place]):
            self._parts[place].append(part)
        return number


def explore(config: Config, states_max: int | None = None) -> Result:
    """Search until a property fails or everything has been seen."""
    gc.disable()
    try:
        return _Search(config, states_max).run()
    finally:
        gc.enable()


class _Search:
    def __init__(self, config: Config, states_max: int | None) -> None:
        self.config = config
        self.states_max = states_max
        self.store = Store()
        self.parents = array("I", [0])
        self.sources = array("I")
        self.targets = array("I")
        self.ends = bytearray()
        self.steps = 0
        self.started = time.monotonic()

    def run(self) -> Result:
        first = initial_state(self.config)
        self.store.add(first, None, ())
        current = 0
        while current < len(self.store.keys):
            state, key = self.store.state(current), self.store.keys[current]
            self.ends.append(at_rest(self.config, state))
            for step in next_steps(self.config, state):
                self.steps += 1
                is_new = self.store.add(step.state, state, key)
                if not step.fault:
                    self.sources.append(current)
                    self.targets.append(self.store.number)
                if is_new:
                    self.parents.append(current)
                    wrong = violation(self.config, step.state)
                    if wrong:
                        return self._result(wrong, len(self.parents) - 1)
            current += 1
            if self.states_max and current > self.states_max:
                raise RuntimeError(f"{self.config}: more than {self.states_max} states")
        stuck = self._stuck()
        if stuck is None:
            return self._result(None, 0)
        result = self._result(STANDSTILL, stuck)
        result.trace += self._to_standstill(stuck)
        return result

    def _stuck(self) -> int | None:
        """Return the first state from which, without further faults, no state of rest can be reached."""
        count = len(self.store.keys)
        starts = array("I", bytes(4 * (count + 1)))
        for target in self.targets:
            starts[target + 1] += 1
        for number in range(count):
            starts[number + 1] += starts[number]
        fill = array("I", starts)
        before = array("I", bytes(4 * len(self.sources)))
        for source, target in zip(self.sources, self.targets, strict=True):
            before[fill[target]] = source
            fill[target] += 1
        good = bytearray(self.ends)
        pending = [number for number in range(count) if good[number]]
        while pending:
            number = pending.pop()
            for source in before[starts[number] : starts[number + 1]]:
                if not good[source]:
                    good[source] = 1
                    pending.append(source)
        stuck = good.find(0)
        return None if stuck < 0 else stuck

    def _result(self, failure: str | None, number: int) -> Result:
        seconds = time.monotonic() - self.started
        return Result(self.config, len(self.store.keys), self.steps, seconds, failure, self._path(number))

    def _path(self, number: int) -> list[str]:
        """Return the steps that lead to a state."""
        path = [number]
        while path[-1]:
            path.append(self.parents[path[-1]])
        path.reverse()
        labels = []
        for source, target in pairwise(path):
            wanted = self.store.state(target)
            steps = next_steps(self.config, self.store.state(source))
            labels.append(next(step.label for step in steps if step.state == wanted))
        return labels

    def _to_standstill(self, number: int) -> list[str]:
        """Return the steps from a state, without further faults, to the nearest one where nobody has anything to do."""
        first = self.store.state(number)
        reached: dict[State, list[str]] = {first: []}
        pending = deque([first])
        while pending:
            state = pending.popleft()
            going = [step for step in next_steps(self.config, state) if not step.fault]
            if not going:
                return reached[state]
            for step in going:
                if step.state not in reached:
                    reached[step.state] = [*reached[state], step.label]
                    pending.append(step.state)
        return ["(and so on, round and round)"]
