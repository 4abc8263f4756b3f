from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from metering.rating.columns import DECK_COLUMNS, SURCHARGE_COLUMNS, SURCHARGES
from metering.rating.explain import explain
from metering.rating.plan_file import PlanFile
from metering.rating.policies import Policies
from metering.rating.problems import Rule
from tests.rating.decks import request, shipped

ROOT = Path(__file__).resolve().parents[2]
FORMAT = (ROOT / "docs/rates-format.md").read_text()


@pytest.mark.parametrize("name", sorted({*DECK_COLUMNS, *SURCHARGE_COLUMNS, *SURCHARGES}))
def test_every_column_and_surcharge_is_described(name: str) -> None:
    assert f"`{name}`" in FORMAT


@pytest.mark.parametrize("field", msgspec.structs.fields(Policies), ids=lambda field: field.name)
def test_every_policy_is_described_with_its_default(field: msgspec.structs.FieldInfo) -> None:
    row = next(line for line in FORMAT.splitlines() if line.startswith(f"| `{field.name}` |"))
    if isinstance(field.default, str):
        assert f"| `{field.default}` |" in row
    elif isinstance(field.default, bool):
        assert "| yes |" in row if field.default else "| no |" in row


@pytest.mark.parametrize("field", msgspec.structs.fields(PlanFile), ids=lambda field: field.name)
def test_every_key_of_a_plan_is_described(field: msgspec.structs.FieldInfo) -> None:
    assert re.search(rf"(`{field.name}`|^    {field.name}:)", FORMAT, re.MULTILINE)


@pytest.mark.parametrize("rule", get_args(Rule))
def test_every_rule_of_the_check_is_described(rule: str) -> None:
    assert f"`{rule}`" in FORMAT


def test_worked_example_is_what_explain_says() -> None:
    explanation = str(explain(shipped().plans["payg-usd"], request("sms", "+12125551234", text="x" * 161)))
    assert textwrap.indent(explanation, "    ") in (ROOT / "docs/rating.md").read_text()


def test_every_shipped_plan_is_described() -> None:
    assert [name for name in shipped().plans if f"`{name}`" not in FORMAT] == []
