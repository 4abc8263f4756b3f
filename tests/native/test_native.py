"""Whether compiled steps are used: what the environment says, and what they were built from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metering import native
from metering.contracts.entries import Position
from metering.errors import Fatal
from metering.ledger.inputs import ChunkBuilder
from metering.native import sources
from metering.worker.compiled_inputs import make_reader
from tests.native.paths import BOTH_WAYS


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says what compiled steps were built from, as if they had been just now."""
    path = tmp_path / "built.txt"
    path.write_text(sources.source_digest())
    monkeypatch.setattr(native, "BUILT", path)
    return path


def test_built_steps_are_used(built: Path) -> None:
    assert native.why_not({}) == native.why_not({native.SWITCH: "required"}) == ""
    assert built.exists()


def test_steps_that_are_switched_off_are_not_used(built: Path) -> None:
    assert "off" in native.why_not({native.SWITCH: "off"})
    assert built.exists()


def test_steps_of_other_sources_are_not_used(built: Path) -> None:
    built.write_text("other")
    assert "other sources" in native.why_not({})
    with pytest.raises(native.NotBuilt, match="make native"):
        native.why_not({native.SWITCH: "required"})


def test_steps_that_were_not_built_are_not_used(built: Path) -> None:
    built.unlink()
    assert "not built" in native.why_not({})
    with pytest.raises(native.NotBuilt, match="make native"):
        native.why_not({native.SWITCH: "required"})


def test_other_choice_is_refused() -> None:
    with pytest.raises(Fatal, match="takes `off`, `required` or nothing"):
        native.why_not({native.SWITCH: "on"})


def test_machine_of_other_numbers_does_not_use_them(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "byteorder", "big")
    assert "greatest byte" in native.why_not({})
    assert built.exists()


def test_changed_source_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.pyx", "b.pxd"):
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(sources, "FOLDER", tmp_path)
    digests = {sources.source_digest()}
    for name in ("a.pyx", "b.pxd"):
        (tmp_path / name).write_text("2")
        digests.add(sources.source_digest())
    assert len(digests) == 3


@pytest.mark.parametrize("is_on", BOTH_WAYS)
def test_what_begins_goes_the_way_that_is_in_use(is_on: bool) -> None:
    with native.forced(is_on=is_on):
        assert (ChunkBuilder(Position(0, 0)).compiled is not None) == is_on
        assert (make_reader(0, 1, 1) is not None) == is_on


def test_process_that_has_them_off_uses_none() -> None:
    program = "from metering import native; print(native.in_use, hasattr(native, 'events'))"
    environment = os.environ | {native.SWITCH: "off"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
