"""The reference of settings is what the code reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from metering.cli.settings_reference import DOCUMENT, render_settings

ROOT = Path(__file__).parents[2]


def test_document_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERING_KAFKA__GROUP", "of-this-shell")
    assert render_settings() == (ROOT / DOCUMENT).read_text(), "run: python -m metering.cli.settings_reference"
