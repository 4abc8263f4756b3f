"""Reads plan files (YAML), reporting every mistake at its line and column.

Leaves what a plan may say to `plan_file`, and the tables that it names to `catalog`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec
import yaml

from metering.rating.money import parse_micros
from metering.rating.plan_file import PlanFile, Tiers
from metering.rating.problems import Problem, Rule

# Plans nest four deep; a file that goes on refers to itself.
_DEPTH_MAX = 12


class ParsedPlan(msgspec.Struct, frozen=True):
    """A plan, or what is wrong with it; `places` maps paths such as `$.decks[0].file` to (line, column)."""

    plan: PlanFile | None
    problems: list[Problem]
    file: str
    places: Mapping[str, tuple[int, int]]

    def problem(self, path: str, rule: Rule, message: str) -> Problem:
        """Make a problem at `path`, or at what it belongs to where it stands nowhere in the file."""
        return Problem(self.file, *nearest_place(self.places, path), rule, message)


def parse_plan(content: bytes, file: str) -> ParsedPlan:
    """Read one plan; on any error there is none."""
    reader = _Reader(file)
    try:
        root = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        reader.report(content.count(b"\n", 0, error.start) + 1, 1, "encoding", "not UTF-8")
        root = None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        reader.report(mark.line + 1 if mark else 1, mark.column + 1 if mark else 1, "yaml", str(error.problem))
        root = None
    except yaml.YAMLError as error:
        reader.report(1, 1, "yaml", str(error))
        root = None
    if root is None:
        if not reader.problems:
            reader.report(1, 1, "yaml", "empty file")
        return ParsedPlan(None, reader.problems, file, {})
    data = reader.plain(root, "$")
    problems = reader.problems or [
        Problem(file, *nearest_place(reader.places, path), "wrong_plan", f"{path}: {message}")
        for path, message in _misfits(data)
    ]
    if problems:
        return ParsedPlan(None, problems, file, reader.places)
    plan = msgspec.convert(data, PlanFile, strict=False)
    problems = [
        Problem(file, *nearest_place(reader.places, path), rule, f"{path}: {message}")
        for path, rule, message in _inconsistencies(plan)
    ]
    return ParsedPlan(None if problems else plan, problems, file, reader.places)


def nearest_place(places: Mapping[str, tuple[int, int]], path: str) -> tuple[int, int]:
    """Return where `path` stands, or the nearest thing around it that stands in the file."""
    while path not in places and path != "$":
        path = re.sub(r"(\.[^.\[]*|\[[^\]]*\])$", "", path) or "$"
    return places.get(path, (1, 1))


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[str, tuple[int, int]] = {}
        self.problems: list[Problem] = []

    def report(self, line: int, column: int, rule: Rule, message: str) -> None:
        self.problems.append(Problem(self.file, line, column, rule, message))

    def plain(self, node: yaml.Node, path: str, depth: int = 0) -> Any:
        """Turn nodes into plain data, remembering where each stands; numbers stay text, no amount is a float."""
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self.places[path] = (line, column)
        if depth > _DEPTH_MAX:
            self.report(line, column, "yaml", "nested too deeply")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value)]
        tag = node.tag.rpartition(":")[2]
        if tag == "bool":
            return "true" if node.value.lower() in {"true", "yes", "on"} else "false"
        return None if tag == "null" else node.value

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in node.value:
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, yaml.ScalarNode):
                self.report(line, column, "yaml", "a key is a word")
                continue
            where = f"{path}.{key.value}"
            if key.value in result:
                self.report(line, column, "repeated_key", f"{where} stands twice")
            result[key.value] = self.plain(value, where, depth + 1)
            self.places[where] = (line, column)
        return result


def _misfits(data: Any) -> Iterator[tuple[str, str]]:
    """Yield (path, message) for what does not fit the plan's types: at most one for each key of the file."""
    try:
        msgspec.convert(data, PlanFile, strict=False)
    except msgspec.ValidationError as error:
        whole = _locate(error, "$")
    else:
        return
    count = 0
    fields = {field.name: field.type for field in msgspec.structs.fields(PlanFile)}
    for key, value in data.items() if isinstance(data, dict) else ():
        if key not in fields:
            yield f"$.{key}", f"unknown key {key!r}"
            count += 1
            continue
        try:
            msgspec.convert(value, fields[key], strict=False)
        except msgspec.ValidationError as error:
            yield _locate(error, f"$.{key}")
            count += 1
    if not count:
        yield whole


def _locate(error: msgspec.ValidationError, root: str) -> tuple[str, str]:
    message, _, path = str(error).partition(" - at `")
    unknown = re.search(r"unknown field `(.*)`", message)
    return f"{root}{path.rstrip('`').removeprefix('$')}{f'.{unknown[1]}' if unknown else ''}", message


def _inconsistencies(plan: PlanFile) -> Iterator[tuple[str, Rule, str]]:
    """Yield what types cannot say, as (path, rule, message)."""
    if parse_micros(plan.rounding.step) == 0:
        yield "$.rounding.step", "wrong_rounding", "must be above 0"
    for index, alert in enumerate(plan.alerts):
        if alert.rearm is not None and parse_micros(alert.rearm) <= parse_micros(alert.level):
            yield f"$.alerts[{index}].rearm", "wrong_alert", "must be above the level"
    for index, tiers in enumerate(plan.tiers):
        for path, message in _tier_mistakes(tiers):
            yield f"$.tiers[{index}].steps{path}", "wrong_tiers", message
    names = [rule.counter for rule in plan.included] + [rule.counter for rule in plan.tiers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "$.tiers", "wrong_counter", f"counter {name} stands twice"


def _tier_mistakes(tiers: Tiers) -> Iterator[tuple[str, str]]:
    bounds = [step.up_to for step in tiers.steps]
    closed = [bound for bound in bounds[:-1] if bound is not None]
    if bounds[-1] is not None or len(closed) < len(bounds) - 1:
        yield "", "only the last step, and it always, is open-ended"
    elif any(lower >= upper for lower, upper in pairwise(closed)):
        yield "", "steps must rise"
    for number, step in enumerate(tiers.steps):
        if (step.price is None) == (step.percent is None):
            yield f"[{number}]", "needs a price or a percent, not both"
