"""A table's text, to point into. Leaves reading it to `deck`."""

from __future__ import annotations

import re

_LINE_END = re.compile("\r\n|\r|\n")  # what the csv module takes for one, and nothing else


class TableText:
    """A table's text, for finding the place of a problem; cut into lines when the first one is asked for.

    Cutting takes one uninterrupted moment, which a table without problems need not have.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[str] = []

    def line(self, number: int) -> str:
        """Return a line (from 1), lines ending as the csv module takes them to."""
        self._lines = self._lines or _LINE_END.split(self._text)
        return self._lines[number - 1] if number <= len(self._lines) else ""


def field_column(line: str, index: int) -> int:
    """Find the character (from 1) at which field `index` of a CSV line begins, quoted fields included."""
    column, quoted, fields = 1, False, 0
    for position, character in enumerate(line, start=1):
        if fields == index:
            break
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            fields += 1
            column = position + 1
    return column
