"""How old what is known of a topic's end can be. Leaves asking the broker to the client, and the order to `merging`."""

from __future__ import annotations

SILENCE_SECONDS_MAX = 3.0
"""Beyond what an empty fetch waits: the round trips of a slow network twice over, less than a broker's fail-over takes.
After it nothing is known of the topic's end, and the other topic waits."""


class Hearing:
    """When the broker was last heard of one partition.

    The client asks anew when it has been answered. So what an answer says is at least as new as the answer before it,
    however long it was on its way itself; for the first, as the moment at which reading began.
    """

    __slots__ = ("_answered_at", "_stamp", "known_at")

    def __init__(self) -> None:
        self._stamp: int | None = None
        self._answered_at = self.known_at = float("-inf")

    def begin(self, stamp: int | None, now: float) -> None:
        """Note that reading begins at a new position: answers to what was asked before are dropped."""
        self._stamp, self._answered_at, self.known_at = stamp, now, float("-inf")

    def note(self, stamp: int | None, now: float) -> float:
        """Note the client's stamp of the last answer, and return since when the end is known to be what it said."""
        if stamp != self._stamp:
            self._stamp, self.known_at, self._answered_at = stamp, self._answered_at, now
        return self.known_at
