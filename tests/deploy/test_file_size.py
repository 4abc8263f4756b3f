"""The file-size check counts what it says, and looks where code is."""

from __future__ import annotations

from pathlib import Path

from scripts.check_file_size import LINES_MAX, find_long_files


def test_file_of_one_line_too_many_is_found_longest_first(tmp_path: Path) -> None:
    for name, lines in {
        "metering/fits.py": LINES_MAX,
        "metering/ledger/long.lua": LINES_MAX + 1,
        "tests/longer.py": LINES_MAX + 2,
        "scripts/long.sql": LINES_MAX + 1,
        "docs/anything.py": LINES_MAX * 2,
        "metering/table.csv": LINES_MAX * 2,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n" * lines)
    found = [(lines, str(path)) for lines, path in find_long_files(tmp_path)]
    assert found == [(302, "tests/longer.py"), (301, "scripts/long.sql"), (301, "metering/ledger/long.lua")]
