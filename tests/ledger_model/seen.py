"""What is remembered of first times. Leaves for how long to `windows`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class SeenEvent:
    """A usage event within the window."""

    seq: int
    applied_at: int
    decision: str | None
    reason: str | None
    granted: dict[str, Any] | None = None


@dataclass
class SeenCommand:
    """A command within its window, with its first answer."""

    seq: int
    applied_at: int
    reason: str | None
    wallet: str | None
    amount: int
    after: dict[str, int] | None
