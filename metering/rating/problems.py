"""What is wrong in a deck, surcharge table or plan, and where.

Leaves finding it to the readers and to `check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from metering.errors import MeteringError

Severity = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True, order=True):
    """One finding: `file` (relative to the rates directory), `line` and `column` (both from 1, column in characters).

    An `error` keeps the rates from being loaded; a `warning` is worth a look before they are published.
    """

    file: str
    line: int
    column: int
    rule: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.rule}: {self.message}"


class RatesError(MeteringError):
    """The rates cannot be loaded; `problems` lists every error found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems) or None)
