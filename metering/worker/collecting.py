"""How often Python looks for cycles in the memory of a worker or checkpointer. Leaves the rest to reference counts.

What an event makes is free again as soon as its entry is published, without the collector: it is in no cycle. But by
default the collector starts after every 700 objects more than before, and a chunk of 400 events has thousands: it went
through all of them again and again, a tenth of a worker's and of a checkpointer's time, and found nothing.
"""

from __future__ import annotations

import gc

OBJECTS_MORE = 50_000
"""As many as a few chunks under way have; to go through so many takes 2 to 4 ms."""

YOUNG_PASSES, MIDDLE_PASSES = 20, 20
"""What clients leave in cycles, some hundred objects with each lost connection, may wait for a million events."""


def settle_collector() -> None:
    """Set what the start has made aside for good, and look for cycles seldom from now on.

    To be called once, when everything is loaded: the modules and rates of a worker are over 100,000 objects, which no
    pass needs to go through again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_MORE, YOUNG_PASSES, MIDDLE_PASSES)
