"""Each check of the protocol earns its place: leaving it out does harm, by a trace that stands in traces/."""

import re
import sys
from pathlib import Path

import pytest

from tests.protocol_model.config import Check, Config
from tests.protocol_model.configurations import LEANED_ON, LEFT_OUT
from tests.protocol_model.traces import FOLDER, find_traces, render_traces, trace_path

PROTOCOL_PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


@pytest.mark.parametrize(
    ("check", "bounds"), (LEFT_OUT | LEANED_ON).items(), ids=[check.name.lower() for check in LEFT_OUT | LEANED_ON]
)
def test_check_left_out_does_harm_by_the_saved_trace(check: Check, bounds: tuple[Config, ...]) -> None:
    results = find_traces(check, bounds)
    page = render_traces(check, results)
    sys.stdout.write(page)
    assert all(result.failure for result in results)
    assert trace_path(check).read_text(encoding="utf-8") == page, "write them anew: python -m tests.protocol_model"


def test_every_check_has_bounds_and_every_trace_a_check() -> None:
    assert set(Check) == set(LEFT_OUT) | set(LEANED_ON)
    assert {trace_path(check) for check in Check} == set(FOLDER.iterdir())


def test_protocol_page_lists_every_check_with_its_traces() -> None:
    rows = re.findall(
        r"^\| \[(.+?)\]\(\.\./(tests/\S+?\.txt)\)", PROTOCOL_PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    root = PROTOCOL_PAGE.parents[1]
    assert {(check.value, str(trace_path(check).relative_to(root))) for check in Check} == set(rows)
