"""All scenarios of a report, one after the other, and the report for people. Leaves each to `run`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from metering.cli.benchmark.machine import Machine, describe_machine
from metering.cli.benchmark.run import Result, run_scenario
from metering.cli.benchmark.scenario import Scenario
from metering.cli.output import fail
from metering.errors import MeteringError
from metering.settings import Settings

PARTS = ("worker", "redis", "kafka", "checkpointer", "postgres")
MEGABYTE = 1_000_000
_SPEED_COLUMNS = ("scenario", "events", "events/s", "messages/s", *PARTS, "Python turn", "Lua turn", "exact")


class Failure(Struct, frozen=True):
    """A scenario without figures: it did not come to its end, or its ledger is not exact."""

    name: str
    problems: list[str]


class Report(Struct, frozen=True):
    """One JSON document: where, what, and what did not work."""

    machine: Machine
    results: list[Result]
    failed: list[Failure]


async def run_all(scenarios: Sequence[Scenario], settings: Settings, profiles: Path | None = None) -> Report:
    """Run every scenario; one that fails is reported and the next one goes on.

    With `profiles`, the profiles of each go into a directory of its own below that.
    """
    machine = describe_machine()
    results, failed = [], []
    for scenario in scenarios:
        profile = profiles / re.sub(r"[^a-z0-9]+", "-", scenario.name.lower()).strip("-") if profiles else None
        try:
            result = await run_scenario(scenario, settings, profile)
        except MeteringError as error:
            failed.append(Failure(scenario.name, [str(error)]))
        else:
            results.append(result)
            if result.exactness.problems:
                failed.append(Failure(scenario.name, result.exactness.problems))
    for failure in failed:
        for problem in failure.problems:
            fail(f"{failure.name}: {problem}")
    return Report(machine, results, failed)


def describe(report: Report) -> str:
    """Return the report as Markdown."""
    machine = report.machine
    lines = [
        "# metering bench",
        "",
        f"{machine.processor}, {machine.cores} cores, {machine.memory_bytes // 2**30} GiB, {machine.system}.",
        ", ".join(f"{name} {number}" for name, number in [("Python", machine.python), *machine.packages.items()]) + ".",
        f"Workers' hot steps: {'compiled' if machine.compiled_steps else 'Python'}.",
        f"Load of the machine before the first scenario: {machine.load_before}.",
        "",
        *_speed(report.results),
        *_baselines([result for result in report.results if result.baselines]),
        *_latency([result for result in report.results if result.latency]),
        *_memory(report.results),
        *_failed(report.failed),
    ]
    return "\n".join(lines)


def _speed(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    lines = [
        "CPU in µs an event (checkpointer and Postgres: an entry); turns: ns of an empty loop at the same time.",
        "",
        "| " + " | ".join(_SPEED_COLUMNS) + " |",
        "| --- " + "| ---: " * (len(_SPEED_COLUMNS) - 2) + "| --- |",
    ]
    for result in results:
        cpu = dict(result.cost.cpu_micros)
        if result.checkpointer:
            cpu |= result.checkpointer.cpu_micros
        figures = " | ".join(f"{cpu[part]:.1f}" if part in cpu else "" for part in PARTS)
        turns = f"{result.turns.python_nanoseconds:.1f} | {result.turns.lua_nanoseconds:.1f}"
        exact = "no" if result.exactness.problems else "yes"
        messages = "" if result.messages_per_second is None else f"{result.messages_per_second:,}"
        speed = f"{result.cost.events:,} | {result.cost.per_second:,} | {messages}"
        lines.append(f"| {result.name} | {speed} | {figures} | {turns} | {exact} |")
    return [*lines, ""]


def _baselines(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    lines = [
        "Baselines, on the same servers before the scenario, with the same durability; µs of CPU an event.",
        "",
        "| scenario | baseline | events | events/s | client | Redis or Postgres | this is faster by | valid |",
        "| --- | --- " + "| ---: " * 5 + "| --- |",
    ]
    for result in results:
        for one in result.baselines:
            figures = f"{one.events:,} | {one.per_second:,} | {one.client_cpu_micros:.1f} | {one.server_cpu_micros:.1f}"
            faster = f"{result.cost.per_second / max(1, one.per_second):.1f}"
            lines.append(f"| {result.name} | {one.name} | {figures} | {faster} | {'yes' if one.is_valid else 'no'} |")
    return [*lines, ""]


def _latency(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    lines = [
        "Milliseconds from handing an event to the producer until its decision, and its committed entry, were read.",
        "",
        "| scenario | decision p50 | p99 | p99.9 | entry p50 | p99 | p99.9 | measuring, µs an event |",
        "| --- " + "| ---: " * 7 + "|",
    ]
    for result in results:
        if result.latency:
            both = (result.latency.decision, result.latency.entry)
            figures = " | ".join(f"{q.p50_ms:.1f} | {q.p99_ms:.1f} | {q.p999_ms:.1f}" for q in both)
            lines.append(f"| {result.name} | {figures} | {result.latency.measuring_cpu_micros:.1f} |")
    return [*lines, ""]


def _memory(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    lines = [
        "Memory: the workers in RAM, now and at most; Redis for a customer at first, and for an element of its keys.",
        "",
        "| scenario | workers MB | at most | bytes a customer | bytes an element |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for result in results:
        memory = result.memory
        kinds = ", ".join(f"{kind.kind} {kind.bytes_each:.0f}" for kind in memory.redis_keys if kind.elements > 1)
        customers = memory.redis_customers / result.scenario.customers
        workers = f"{memory.workers_resident / MEGABYTE:.0f} | {memory.workers_peak / MEGABYTE:.0f}"
        lines.append(f"| {result.name} | {workers} | {customers:.0f} | {kinds} |")
    return [*lines, ""]


def _failed(failed: Sequence[Failure]) -> list[str]:
    if not failed:
        return []
    lines = ["Failed:", ""]
    return [*lines, *(f"- {failure.name}: {problem}" for failure in failed for problem in failure.problems), ""]
