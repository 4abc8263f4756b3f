"""What the model knows of counters. Leaves the rules to `counters`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Counter:
    """Units used of a plan's counter in a window; it never ends where `ends` is 0."""

    window: str
    name: str
    used: int
    starts: int
    ends: int

    @property
    def id(self) -> str:
        """window:name."""
        return f"{self.window}:{self.name}"


@dataclass
class Count:
    """What a charge counted for one recipient (empty where there is but one), in the window that began at `starts`."""

    counter: str
    to: str
    starts: int
    units: int
    """Below zero where they were given back, or never granted."""
