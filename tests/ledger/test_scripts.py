"""How scripts are put together, and that codes are the contracts' words. Leaves what scripts do to the histories."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from metering.contracts.reasons import Kind, Reason
from metering.ledger.codes import KindCode, ReasonCode
from metering.ledger.scripts import LUA_NAMES, SCRIPTS, load_script

LUA = files("metering.ledger") / "lua"


def test_kind_codes_name_every_kind() -> None:
    assert {kind.name for kind in Kind} == {code.name for code in KindCode}


def test_reason_codes_name_every_reason() -> None:
    assert {reason.name for reason in Reason} == {code.name for code in ReasonCode}


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_put_together_has_no_code_left_by_name(name: str) -> None:
    left = re.findall(r"\b(?:" + "|".join(LUA_NAMES) + r")\.[A-Z_]+\b", load_script(name))

    assert [] == left


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_says_its_keys_arguments_and_answers(name: str) -> None:
    header = (LUA / f"{name}.lua").read_text(encoding="utf-8").split("\nlocal ")[0]

    assert "-- KEYS: " in header
    assert "ARGV: " in header
    assert "Returns {OK" in header


def test_include_stands_once_however_often_it_is_named() -> None:
    assert 1 == load_script("apply").count("function available_of(")


def test_part_keeps_to_itself_what_no_other_names() -> None:
    """A function may have 200 local names at a time: what one part alone uses is none of the others' business."""
    script = load_script("apply")
    first, later = script.split("made = made or (function()")
    for scope in (first, later):
        shared = ", ".join(re.findall(r"^local ([\w, ]+)\ndo\n", scope, re.MULTILINE)).split(", ")
        assert len(shared) < 150

    assert "local function put_wallet(" in script
    assert "\nfunction refuse(" in script


def test_script_passes_no_amount_through_text_that_rounds() -> None:
    """`..` and tostring round amounts to 14 digits; tostring is nowhere, and numbers are joined as %.0f only."""
    for name in SCRIPTS:
        assert "tostring" not in load_script(name)
        assert "cjson" not in load_script(name)


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_walks_through_no_whole_hash(name: str) -> None:
    script = load_script(name)
    assert not any(command in script for command in ("HSCAN", "HGETALL", "HKEYS", "HVALS", "'KEYS'", "'SCAN'"))
