"""Numbers and positions of counters that Python and Lua share. Leaves what they mean to `rating.price`.

Those of `Counter` stand in stored records: add at the end, never renumber.
"""

from __future__ import annotations

from enum import IntEnum


class CountedBy(IntEnum):
    """How a counter decides about a line: `rating.price.CounterUse.mode`."""

    INCLUDED = 1
    GRADUATED = 2
    VOLUME = 3


class Counter(IntEnum):
    """Positions in a counter: the fields of `contracts.states.CounterState` after its id."""

    WINDOW = 1
    NAME = 2
    USED = 3
    STARTS = 4
    ENDS = 5


class Terms(IntEnum):
    """Positions in the terms of a line: `rating.price.LineTerms` for one recipient."""

    QUANTITY = 1
    FIXED = 2
    UNIT = 3
    DENOMINATOR = 4
    MINIMUM = 5
    """Times the denominator."""
    MODE = 6
    STEP = 7
    USES = 8


class Use(IntEnum):
    """Positions in a use of a counter: `rating.price.CounterUse`."""

    COUNTER = 1
    WINDOW = 2
    MODE = 3
    LIMIT = 4
    STEPS = 5
    """Flat: the last unit of a step (0 = the rest) and the numerator of its units."""
