"""Each check of the protocol is missed when it is taken out. `python -m tests.mutations` prints the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metering.ledger.scripts import load_script
from tests.mutations.__main__ import main
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Edit
from tests.mutations.patching import replaced

QUICK = ("outbox", "expected_head", "probe", "dedupe")
"""Noticed within a few schedules: part of every run. The others are slow."""


DESIGN = (
    "outbox",
    "identity",
    "expected_head",
    "token_first",
    "restore_counted",
    "decisions_awaited",
    "drain",
    "probe",
    "position",
    "checkpoint_conditional",
)
"""What the design has a counterexample for; docs/protocol.md has those that were found since."""

ROOT = Path(__file__).parents[2]


@pytest.mark.requirement("INF-01")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in MUTATIONS]
)
def test_check_is_missed_when_it_is_taken_out(name: str) -> None:
    assert main([name]) == 0


def test_every_check_of_the_protocol_is_taken_out() -> None:
    """What docs/protocol.md says to do harm is in the catalogue, and the two that are not about the protocol."""
    table = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[.+?\]\(\.\./tests/protocol_model/traces/(\w+)\.txt\) \|", table, re.MULTILINE)
    assert set(DESIGN) < set(rows)
    assert {*rows, "dedupe", "forward"} == set(MUTATIONS)


@pytest.mark.parametrize("name", MUTATIONS)
def test_check_stands_where_it_is_taken_out(name: str) -> None:
    """A check that was rewritten is noticed at once, and not when somebody runs all of them."""
    texts: dict[str, str] = {}
    for edit in MUTATIONS[name].edits:
        of_module = edit.where.startswith("metering.")
        path = ROOT / (edit.where.replace(".", "/") + ".py")
        text = texts.get(edit.where) or (path.read_text(encoding="utf-8") if of_module else load_script(edit.where))
        texts[edit.where] = replaced(text, [edit])


def test_edit_that_does_not_fit_once_is_refused() -> None:
    for text in ("", "xx"):
        with pytest.raises(ValueError, match="stands there"):
            replaced(text, [Edit("here", "x", "y")])


def test_unknown_name_is_a_wrong_usage() -> None:
    assert main(["nothing"]) == 2
