"""How far it is, on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

BAR_WIDTH = 32
REDRAW_SECONDS = 0.1
LINES = 5
"""Lines of a whole run where nobody sees a bar."""


class Progress:
    """Shows `done` of `total` under a title."""

    def __init__(self, title: str, total: int, first: int = 0, stream: TextIO | None = None) -> None:
        """Begin with `first` done already; nothing is shown before the first `show`."""
        self._title = title
        self._total = total
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._started = self._drawn = time.monotonic()
        self._first = first
        self._lines = LINES * first // max(total, 1)

    def show(self, done: int) -> None:
        """Show how far it is; costs nothing when it was shown a moment ago."""
        now = time.monotonic()
        rate = round((done - self._first) / max(now - self._started, 0.001))
        text = f"{self._title} {done:,}/{self._total:,}, {rate:,}/s"
        if self._is_terminal:
            if now - self._drawn >= REDRAW_SECONDS or done >= self._total:
                filled = min(BAR_WIDTH, BAR_WIDTH * done // self._total)
                self._stream.write(f"\r  [{'█' * filled}{'·' * (BAR_WIDTH - filled)}] {text}\x1b[K")
                self._stream.flush()
                self._drawn = now
        elif self._total and done * LINES >= self._total * (self._lines + 1):
            self._lines = done * LINES // self._total
            self._stream.write(f"  {text}\n")
            self._stream.flush()

    def finish(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            self._stream.write("\n")
            self._stream.flush()
