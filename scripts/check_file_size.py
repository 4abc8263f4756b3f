"""Fail where a source file is longer than a reader can hold in mind; leaves style and types to ruff and mypy."""

from __future__ import annotations

import sys
from pathlib import Path

LINES_MAX = 300  # about five screens; a longer file has two subjects, and splitting it shows which
FOLDERS = ("metering", "tests", "scripts")
SUFFIXES = frozenset({".py", ".pyi", ".pyx", ".pxd", ".lua", ".sql"})


def find_long_files(root: Path) -> list[tuple[int, Path]]:
    """Return (lines, path) of each source file over `LINES_MAX` lines under `root`, longest first."""
    long_files = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                lines = len(path.read_bytes().splitlines())
                if lines > LINES_MAX:
                    long_files.append((lines, path.relative_to(root)))
    return sorted(long_files, reverse=True)


def main() -> int:
    """Print each long file; return 1 when there is one, else 0."""
    long_files = find_long_files(Path(__file__).resolve().parent.parent)
    for lines, path in long_files:
        print(f"{path}: {lines} lines, {LINES_MAX} is the most")
    return 1 if long_files else 0


if __name__ == "__main__":
    sys.exit(main())
