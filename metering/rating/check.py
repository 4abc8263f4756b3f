"""Looks through rates before they are published: every error, and what is legal but probably not meant.

Leaves reading to `catalog` and `deck`; the rules stand in docs/rates-format.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from metering.rating.catalog import CatalogReader, shipped_rates, tie_problem
from metering.rating.deck import ParsedTable, TableKind, content_version, parse_table
from metering.rating.findings import Finding, find_in_rows
from metering.rating.groups import find_ties, group_rates
from metering.rating.plan_reader import parse_plan
from metering.rating.problems import Problem
from metering.rating.rows import Source
from metering.rating.tree import DirectoryTree, Tree

# A price that moves by more than this is usually a slipped decimal point.
MOVED_PERCENT = 50


def check_rates(path: Path | None = None, moved_percent: int = MOVED_PERCENT) -> list[Problem]:
    """Return every problem of a rates directory, of one table or of one plan file, in file order.

    None means the shipped rates. A plan file alone is read without its tables, a table alone in UTC. Nothing is raised
    for what the files hold; a path that cannot be read raises OSError.
    """
    path = path or shipped_rates()
    if path.is_dir():
        return check_tree(DirectoryTree(path), moved_percent).problems
    content = path.read_bytes()
    if path.suffix in {".yaml", ".yml"}:
        return sorted(parse_plan(content, path.name).problems)
    kind: TableKind = "surcharges" if "surcharge" in _header(content) else "deck"
    source = Source(path.stem, content_version(content), path.name, "UTC")
    table = parse_table(kind, content, source, 0)
    return sorted({*table.problems, *_check_table(table, moved_percent)})


class CheckedRates(msgspec.Struct, frozen=True):
    """A tree that was looked through: what is wrong with it, and exactly the files that were looked at."""

    problems: list[Problem]
    version: str
    files: Mapping[str, bytes]
    units: Mapping[str, str]
    """The unit of each plan."""


def check_tree(tree: Tree, moved_percent: int = MOVED_PERCENT) -> CheckedRates:
    """Look through a whole tree. Each file is read once, so what is wrong, the version and the files go together."""
    reader = CatalogReader(tree)
    reader.read()
    problems = set(reader.problems)
    for table in reader.tables.values():
        problems.update(_check_table(table, moved_percent))
    tables = {table.rows[0].terms.source: table for table in reader.tables.values() if table.rows}
    for rows in reader.rows.values():
        for row, other in find_ties(group_rates(rows)):
            problems.discard(tie_problem(row, other))
            problems.add(tie_problem(row, other, tables[other.terms.source].column(other.line, "prefix")))
    used = {reference for _, reference, _ in reader.tables}
    for folder in ("decks", "surcharges"):
        for name in tree.names(folder, "csv"):
            if name not in used:
                problems.add(Problem(name, 1, 1, "unused_table", "no plan names this table", "warning"))
    units = {name: file.unit for name, file in reader.files.items()}
    return CheckedRates(sorted(problems), reader.version, reader.contents, units)


def _check_table(table: ParsedTable, moved_percent: int) -> list[Problem]:
    groups = group_rates(table.rows)
    ties = (tie_problem(row, other, table.column(other.line, "prefix")) for row, other in find_ties(groups))
    return [*ties, *_to_problems(table, find_in_rows(groups, moved_percent))]


def _to_problems(table: ParsedTable, findings: Iterable[Finding]) -> list[Problem]:
    return [
        Problem(
            finding.row.terms.source.file,
            finding.row.line,
            table.column(finding.row.line, finding.column),
            finding.rule,
            finding.message,
            "warning",
        )
        for finding in findings
    ]


def _header(content: bytes) -> list[str]:
    first = content.split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    return [name.strip() for name in first.split(",")]
