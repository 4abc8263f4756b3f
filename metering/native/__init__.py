"""Steps of worker and checkpointer in compiled code, where it was built. Leaves them in Python where they are.

`make native` builds them, and nothing needs them: what they make is what Python makes, byte by byte, in a third of the
time (docs/adr/0012-compiled-steps.md, 0013-compiled-books.md). Whoever has both asks `in_use` when it begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from metering.errors import Fatal
from metering.native.sources import BUILT, source_digest

SWITCH = "METERING_NATIVE"
"""In the environment: `off` leaves compiled steps aside, `required` does not start without them."""

_CHOICES = ("", "off", "required")


class NotBuilt(Fatal):
    """Compiled steps are required, and are not there."""


def why_not(environment: Mapping[str, str]) -> str:
    """Return why compiled steps are not used; empty where they can be. Raises `NotBuilt` where they are required."""
    choice = environment.get(SWITCH, "")
    if choice not in _CHOICES:
        raise Fatal(f"{SWITCH} is {choice!r}; it takes `off`, `required` or nothing")
    why = f"{SWITCH} is off" if choice == "off" else _hindrance()
    if why and choice == "required":
        raise NotBuilt(f"{SWITCH} is `required`, and compiled steps are not there: {why}")
    return why


def _hindrance() -> str:
    if sys.byteorder != "little":
        return "this machine's numbers begin with their greatest byte"
    if not BUILT.exists():
        return "they were not built (`make native`)"
    if BUILT.read_text(encoding="ascii") != source_digest():
        return "they were built from other sources or for another Python (`make native`)"
    return ""


REASON = why_not(os.environ)
"""Why this process does not use them; empty where it does."""

if not REASON:
    from metering.native import batches, books, charges, digests, entries, events, prices, rows, words

    __all__ = ["batches", "books", "charges", "digests", "entries", "events", "prices", "rows", "words"]

in_use = not REASON
"""Whether what begins now uses them: a builder, a taker."""


@contextmanager
def forced(*, is_on: bool) -> Iterator[None]:
    """Have what begins meanwhile use them or not, for tests and measurements. Raises `NotBuilt` if there are none."""
    global in_use  # noqa: PLW0603  the one switch, asked for by whoever has both ways
    if is_on and REASON:
        raise NotBuilt(REASON)
    before, in_use = in_use, is_on
    try:
        yield
    finally:
        in_use = before
