"""Makes a run that fails shorter while it goes on failing. Leaves judging to `judge`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.judge import judge
from tests.simulation.schedule import Disturbance, Schedule, Sending, without
from tests.simulation.world import run

RUNS_MAX = 300


def failure_of(schedule: Schedule) -> str | None:
    """Run a schedule; return what is wrong with it, None where nothing is."""
    try:
        judge(run(schedule))
    except AssertionError as error:
        return str(error) or "an assertion"
    return None


def shrink(schedule: Schedule, fails: Callable[[Schedule], bool] | None = None) -> Schedule:
    """Return a shorter schedule that fails too: without actions, then without messages, then in better weather."""
    fails = fails or (lambda shorter: failure_of(shorter) is not None)
    runs = 0

    def still(shorter: Schedule) -> bool:
        nonlocal runs
        runs += 1
        return runs <= RUNS_MAX and fails(shorter)

    schedule = _with_fewer_actions(schedule, still)
    schedule = _with_fewer_messages(schedule, still)
    for server, _ in schedule.chances:
        shorter = replace(schedule, chances=tuple(pair for pair in schedule.chances if pair[0] != server))
        schedule = shorter if still(shorter) else schedule
    return schedule


def _with_fewer_actions(schedule: Schedule, still: Callable[[Schedule], bool]) -> Schedule:
    size = max(1, len(schedule.actions) // 2)
    while size >= 1:
        first = 0
        while first < len(schedule.actions):
            shorter = without(schedule, set(range(first, first + size)))
            if still(shorter):
                schedule = shorter
            else:
                first += size
        size //= 2
    return schedule


def _with_fewer_messages(schedule: Schedule, still: Callable[[Schedule], bool]) -> Schedule:
    for index, action in enumerate(schedule.actions):
        if not isinstance(action, Sending):
            continue
        kept = action.messages
        for message in action.messages:
            fewer = tuple(other for other in kept if other is not message)
            shorter = replace(schedule, actions=_put(schedule, index, replace(action, messages=fewer)))
            if fewer and still(shorter):
                schedule, kept = shorter, fewer
    return schedule


def told(schedule: Schedule) -> str:
    """Return a schedule as lines for people."""
    mode = "transactions" if schedule.transactions else "at least once"
    lines = [f"seed {schedule.seed}, {mode}, {schedule.buckets} bucket(s), {schedule.workers} worker(s)"]
    lines += [f"  {server}: {chances}" for server, chances in schedule.chances]
    for action in schedule.actions:
        if isinstance(action, Disturbance):
            lines.append(
                f"  {action.at:7.3f} s  {action.fault} {action.step or ''} {action.amount:g} (whom: {action.whom})"
            )
        else:
            what = ", ".join(f"{m.verb} {m.id} of {m.customer}" for m in action.messages)
            lines.append(f"  {action.at:7.3f} s  sent{' astray' if action.astray else ''}: {what}")
    return "\n".join(lines)


def _put(schedule: Schedule, index: int, action: Sending) -> tuple[Sending | Disturbance, ...]:
    return (*schedule.actions[:index], action, *schedule.actions[index + 1 :])
