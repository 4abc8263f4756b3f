"""Stops a bucket whose stream turns into dead letters. Leaves what is one to `chunking`, and stopping to `bucket`."""

from __future__ import annotations

from collections import Counter, deque

from metering.errors import NeedsOperator
from metering.worker.chunking import TakenChunk

_NONE: Counter[str] = Counter()
"""Of nearly every chunk, and never changed: to make one costs as much as all else here."""


class DeadLetterLimit:
    """Looks at the newest records of one claimed bucket: at most a share of them may be dead letters.

    It knows only what this claim has taken. So what was accepted before a stop or a restart never counts again, and up
    to `share_max` of `records` dead letters may follow each: a short burst, or bad input here and there, stops nothing.
    """

    def __init__(self, records: int, share_max: float) -> None:
        self._records = records
        self._share_max = share_max
        self._chunks: deque[tuple[int, int, Counter[str]]] = deque()
        """Records, dead letters, and these by reason; a chunk goes when those after it are `records` or more."""
        self._seen = 0
        self._letters = 0

    def check(self, taken: TakenChunk) -> None:
        """Count a chunk before anything of it is written. Raises `NeedsOperator`: then nothing of it may be."""
        seen, letters = len(taken.inputs) + len(taken.sides), len(taken.rejected)
        reasons = Counter(f"{topic} {reason}" for topic, reason in taken.rejected) if letters else _NONE
        self._chunks.append((seen, letters, reasons))
        self._seen += seen
        self._letters += letters
        while self._seen - self._chunks[0][0] >= self._records:
            seen_first, letters_first, _ = self._chunks.popleft()
            self._seen -= seen_first
            self._letters -= letters_first
        # Of a full window even while it fills: ten bad records after a start are no bad deploy.
        if self._letters > self._share_max * max(self._seen, self._records):
            raise NeedsOperator("dead_letters", self._explain())

    def _explain(self) -> str:
        reasons: Counter[str] = sum((counted for _, _, counted in self._chunks), Counter())
        named = ", ".join(f"{reason}: {count}" for reason, count in reasons.most_common())
        return (
            f"{self._letters} of the last {self._seen} records cannot be inputs ({named}), and at most"
            f" {self._share_max:g} of {self._records} may be dead letters; the last of them are neither written nor"
            " acknowledged and will be read again. Put right what writes or reads them, then `metering bucket resume`."
            " If they are to be dead letters all the same: METERING_WORKER__DEAD_LETTERS_SHARE_MAX=1, restart, resume"
        )
