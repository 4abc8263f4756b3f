"""The Redis user of docs/operations.md may run every command of the scripts. Leaves running them to `end_to_end`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metering.ledger.scripts import SCRIPTS, load_script

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.mark.parametrize("name", SCRIPTS)
def test_documented_user_may_run_every_command_of_a_script(name: str) -> None:
    documented = re.search(r"ACL SETUSER metering (.*?)\n\n", OPERATIONS.read_text(encoding="utf-8"), re.DOTALL)
    assert documented is not None
    allowed = set(re.findall(r"\+([a-z]+)\b", documented[1]))

    # A call by its name, and the names that are handed to `write_many` or chosen from.
    used = {
        command.lower()
        for command in re.findall(
            r"'((?:H|Z|S|EXISTS|DEL|UNLINK|GET|MGET|L[A-Z]*(?:LEN|INDEX|TRIM|RANGE|PUSH|POP)|R[A-Z]*(?:PUSH|POP))[A-Z]*)'",
            load_script(name),
        )
    }

    assert set() == used - allowed
