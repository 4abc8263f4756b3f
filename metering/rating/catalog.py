"""One loaded version of the rates directory: every plan with its decks, or the list of what is wrong.

Leaves when a version comes into force to the worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metering.rating.deck import ParsedTable, TableKind, content_version, parse_table
from metering.rating.groups import find_ties, group_rates
from metering.rating.plan import Plan
from metering.rating.plan_file import PlanFile, TableRef
from metering.rating.plan_reader import ParsedPlan, parse_plan
from metering.rating.problems import Problem, RatesError
from metering.rating.rows import Row, Source


class Catalog:
    """Immutable. `version` is a hash over every file's path and content; equal versions price equally."""

    __slots__ = ("plans", "version")

    def __init__(self, version: str, plans: Mapping[str, Plan]) -> None:
        self.version = version
        self.plans: Mapping[str, Plan] = MappingProxyType(dict(plans))


def shipped_rates() -> Path:
    """Return the rates that come with the package: in an installed wheel `metering/_rates`, else `rates/`."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_rates"
    return installed if installed.is_dir() else package.parent / "rates"


def load_catalog(directory: Path | None = None) -> Catalog:
    """Read `plans/*.yaml` and the tables that they name; None means the shipped rates.

    Raises RatesError with every problem of every file. Pure but for reading; safe to run in a thread.
    """
    reader = CatalogReader(directory or shipped_rates())
    plans = reader.read()
    errors = [problem for problem in reader.problems if problem.severity == "error"]
    if errors:
        raise RatesError(sorted(errors))
    return Catalog(reader.version, plans)


class CatalogReader:
    """Reads one directory, collecting problems instead of raising them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problems: list[Problem] = []
        self.files: dict[str, PlanFile] = {}
        self.rows: dict[str, list[Row]] = {}
        self.tables: dict[tuple[str, str, str], ParsedTable] = {}
        self._contents: dict[str, bytes] = {}
        self._numbered = 0

    @property
    def version(self) -> str:
        """Hash what has been read."""
        parts = [f"{name}\0{content_version(self._contents[name])}\n" for name in sorted(self._contents)]
        return content_version("".join(parts).encode())

    def read(self) -> dict[str, Plan]:
        """Read every plan; the ones with errors are missing from the answer."""
        self.read_files()
        plans = {}
        for name, file in self.files.items():
            if name not in self.rows:
                continue
            groups = group_rates(self.rows[name])
            self.problems += (tie_problem(row, other) for row, other in find_ties(groups))
            plans[name] = Plan(file, groups)
        return plans

    def read_files(self) -> None:
        """Read plans and tables without compiling them."""
        paths = sorted((self.directory / "plans").glob("*.yaml"))
        if not paths:
            self.problems.append(Problem("plans", 1, 1, "no_plans", f"no plans/*.yaml in {self.directory}"))
        for path in paths:
            name = f"plans/{path.name}"
            content = self._contents[name] = path.read_bytes()
            parsed = parse_plan(content, name)
            self.problems += parsed.problems
            plan = parsed.plan
            if plan is None:
                continue
            if plan.id != path.stem:
                self.problems.append(parsed.problem("$.id", "wrong_id", f"{plan.id!r} is not the file's name"))
            rows = self._read_tables(parsed, plan)
            self.files[plan.id] = plan
            if rows is not None:
                self.rows[plan.id] = rows

    def _read_tables(self, parsed: ParsedPlan, plan: PlanFile) -> list[Row] | None:
        rows: list[Row] = []
        complete = True
        references: list[tuple[TableKind, str, TableRef]] = []
        references += (("deck", f"$.decks[{index}]", ref) for index, ref in enumerate(plan.decks))
        references += (("surcharges", f"$.surcharges[{index}]", ref) for index, ref in enumerate(plan.surcharges))
        for kind, path, reference in references:
            try:
                rows += self._read_table(kind, reference)
            except (OSError, ValueError, ZoneInfoNotFoundError) as error:
                self.problems.append(parsed.problem(path, "wrong_table", f"{reference.file}: {error}"))
                complete = False
        return rows if complete else None

    def _read_table(self, kind: TableKind, reference: TableRef) -> list[Row]:
        """Read a table once for each time zone; raises OSError, ValueError or ZoneInfoNotFoundError."""
        key = (kind, reference.file, reference.time_zone)
        if key in self.tables:
            return self.tables[key].rows
        path = (self.directory / reference.file).resolve()
        ZoneInfo(reference.time_zone)
        if not path.is_relative_to(self.directory.resolve()):
            message = "lies outside the rates directory"
            raise ValueError(message)
        content = path.read_bytes()
        self._contents[reference.file] = content
        source = Source(path.stem, content_version(content), reference.file, reference.time_zone)
        table = self.tables[key] = parse_table(kind, content, source, self._numbered)
        self.problems += table.problems
        self._numbered += len(table.rows)
        return table.rows


def tie_problem(row: Row, other: Row, column: int = 1) -> Problem:
    """Word the error that nothing decides between two rows."""
    place = f"{row.source.file}:{row.line}" if row.source is not other.source else f"line {row.line}"
    message = f"the same rate from the same date stands in {place}"
    return Problem(other.source.file, other.line, column, "duplicate", message)
