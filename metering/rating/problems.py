"""What is wrong in a deck, surcharge table or plan, and where.

Leaves finding it to the readers and to `check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from metering.errors import MeteringError

Severity = Literal["error", "warning"]
# Every rule there is; docs/rates-format.md says what each means.
Rule = Literal[
    "csv", "encoding", "yaml",
    "field_count", "missing_column", "repeated_column", "unknown_column", "repeated_key",
    "wrong_value", "wrong_band", "wrong_per", "wrong_channel", "no_price", "no_destination", "empty_period",
    "not_for_channel", "not_for_surcharge", "duplicate",
    "wrong_plan", "wrong_table", "wrong_id", "no_plans", "wrong_tiers", "wrong_counter", "wrong_alert",
    "wrong_rounding",
    "gap", "overlap", "ends", "moved", "shadowed", "zero_price", "unknown_country", "wrong_country", "unknown_prefix",
    "unused_table", "plan_gone", "unit_changed",
]  # fmt: skip


class Problem(msgspec.Struct, frozen=True, order=True):
    """One finding: `file` (relative to the rates directory), `line` and `column` (both from 1, column in characters).

    An `error` keeps the rates from being loaded; a `warning` is worth a look before they are published.
    """

    file: str
    line: int
    column: int
    rule: Rule
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.rule}: {self.message}"


class RatesError(MeteringError):
    """The rates cannot be loaded; `problems` lists every error found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems) or None)
