"""Each check of the protocol is missed when it is taken out. `python -m tests.mutations` prints the table."""

from __future__ import annotations

import pytest

from tests.mutations.__main__ import main
from tests.mutations.catalogue import MUTATIONS, Edit
from tests.mutations.patching import replaced

QUICK = ("outbox", "expected_head", "probe", "dedupe")
"""Noticed within a few schedules: part of every run. The others are slow."""


@pytest.mark.requirement("INF-01")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in MUTATIONS]
)
def test_check_is_missed_when_it_is_taken_out(name: str) -> None:
    assert main([name]) == 0


def test_edit_that_does_not_fit_once_is_refused() -> None:
    for text in ("", "xx"):
        with pytest.raises(ValueError, match="stands there"):
            replaced(text, [Edit("here", "x", "y")])


def test_unknown_name_is_a_wrong_usage() -> None:
    assert main(["nothing"]) == 2
