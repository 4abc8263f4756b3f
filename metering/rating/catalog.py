"""One loaded version of the rates directory: every plan with its decks, or the list of what is wrong.

Leaves when a version comes into force to the worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metering.rating.deck import ParsedTable, TableKind, content_version, parse_table
from metering.rating.groups import find_ties, group_rates, map_following
from metering.rating.plan import Plan
from metering.rating.plan_file import PlanFile, TableRef
from metering.rating.plan_reader import ParsedPlan, parse_plan
from metering.rating.problems import Problem, RatesError
from metering.rating.rows import Row, Source
from metering.rating.tree import DirectoryTree, FilesTree, Tree


class Catalog:
    """Immutable. `version` is a hash over every file's path and content; equal versions price equally."""

    __slots__ = ("plans", "version")

    def __init__(self, version: str, plans: Mapping[str, Plan]) -> None:
        self.version = version
        self.plans: Mapping[str, Plan] = MappingProxyType(dict(plans))

    def compile(self) -> None:
        """Compile every plan now rather than at its first price; in a thread beside a stream that must not wait."""
        for plan in self.plans.values():
            plan.compile()


def shipped_rates() -> Path:
    """Return the rates that come with the package: in an installed wheel `metering/_rates`, else `rates/`."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_rates"
    return installed if installed.is_dir() else package.parent / "rates"


def load_catalog(directory: Path | None = None) -> Catalog:
    """Read `plans/*.yaml` and the tables that they name; None means the shipped rates.

    Raises RatesError with every problem of every file. Pure but for reading; safe to run in a thread.
    """
    return _load(DirectoryTree(directory or shipped_rates()))


def load_files(files: Mapping[str, bytes], place: str) -> Catalog:
    """Read a version held in memory; `place` names it in messages. Raises RatesError, as `load_catalog` does."""
    return _load(FilesTree(files, place))


def _load(tree: Tree) -> Catalog:
    reader = CatalogReader(tree)
    plans = reader.read()
    errors = [problem for problem in reader.problems if problem.severity == "error"]
    if errors:
        raise RatesError(sorted(errors))
    return Catalog(reader.version, plans)


class CatalogReader:
    """Reads one tree, collecting problems instead of raising them. `contents` is what was read: what a version is."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.problems: list[Problem] = []
        self.files: dict[str, PlanFile] = {}
        self.rows: dict[str, list[Row]] = {}
        self.tables: dict[tuple[str, str, str], ParsedTable] = {}
        self.contents: dict[str, bytes] = {}

    @property
    def version(self) -> str:
        """Hash what has been read."""
        parts = [f"{name}\0{content_version(self.contents[name])}\n" for name in sorted(self.contents)]
        return content_version("".join(parts).encode())

    def read(self) -> dict[str, Plan]:
        """Read every plan; the ones with errors are missing from the answer."""
        self.read_files()
        plans = {}
        for name, file in self.files.items():
            if name not in self.rows:
                continue
            rows = self.rows[name]
            groups = group_rates(rows)
            self.problems += (tie_problem(row, other) for row, other in find_ties(groups))
            plans[name] = Plan(file, rows, map_following(groups))
        return plans

    def read_files(self) -> None:
        """Read plans and tables without compiling them."""
        names = self.tree.names("plans", "yaml")
        if not names:
            self.problems.append(Problem("plans", 1, 1, "no_plans", f"no plans/*.yaml in {self.tree.place}"))
        for name in names:
            content = self.contents[name] = self.tree.read(name)
            parsed = parse_plan(content, name)
            self.problems += parsed.problems
            plan = parsed.plan
            if plan is None:
                continue
            if plan.id != PurePosixPath(name).stem:
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
        ZoneInfo(reference.time_zone)
        content = self.contents[reference.file] = self.tree.read(reference.file)
        source = Source(
            PurePosixPath(reference.file).stem, content_version(content), reference.file, reference.time_zone
        )
        table = self.tables[key] = parse_table(kind, content, source, len(self.tables))
        self.problems += table.problems
        return table.rows


def tie_problem(row: Row, other: Row, column: int = 1) -> Problem:
    """Word the error that nothing decides between two rows."""
    place = f"{row.terms.source.file}:{row.line}" if row.terms.source is not other.terms.source else f"line {row.line}"
    message = f"the same rate from the same date stands in {place}"
    return Problem(other.terms.source.file, other.line, column, "duplicate", message)
