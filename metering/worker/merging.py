"""Puts the records of a bucket's two input topics into one order: the log's. Leaves reading them to the intake."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from metering.record_batches import Record

InputTopic = Literal["usage", "commands"]
INPUT_TOPICS: tuple[InputTopic, InputTopic] = ("usage", "commands")

_ALL_TIME_MS = 2**63


class _Line:
    """One topic's records that wait, and whether the topic has been read to its end."""

    __slots__ = ("at_end", "batches", "bytes_waiting", "offset_next", "records")

    def __init__(self) -> None:
        self.records: deque[Record] = deque()
        self.batches: deque[tuple[int, int]] = deque()
        """Of each batch that was added and of which some wait: the offset after it, and its bytes."""
        self.bytes_waiting = 0
        self.at_end = False
        self.offset_next = 0


class Next(Struct, frozen=True, gc=False):
    """The next record of the bucket, and which topic it comes from."""

    topic: InputTopic
    record: Record


class InputQueue:
    """The records of one bucket. The older head goes first; of equal age, a command.

    A topic without waiting records counts as later only once it has been read to its high-water mark: otherwise, in a
    backlog, a fresh command would run ahead of outcomes that wait unread. And only while its broker is heard of: one
    that is cut off may have taken what this bucket does not know of.
    """

    def __init__(self) -> None:
        self._lines: dict[InputTopic, _Line] = {topic: _Line() for topic in INPUT_TOPICS}

    def __len__(self) -> int:
        return sum(len(line.records) for line in self._lines.values())

    def reset(self, usage: int, commands: int) -> None:
        """Forget what waits; what comes next starts at these offsets."""
        for topic, offset in (("usage", usage), ("commands", commands)):
            line = self._lines[topic]  # type: ignore[index]
            line.records.clear()
            line.batches.clear()
            line.bytes_waiting = 0
            line.at_end = False
            line.offset_next = offset

    def add(self, topic: InputTopic, records: Sequence[Record]) -> None:
        """Add records as they were read. What stands before the next offset expected is dropped: it was read before."""
        line = self._lines[topic]
        if records and records[0].offset < line.offset_next:
            records = [record for record in records if record.offset >= line.offset_next]
        if not records:
            return
        if not line.records:
            # All that was added before has been taken.
            line.batches.clear()
            line.bytes_waiting = 0
        added = sum([len(record.value or b"") for record in records])
        line.records.extend(records)
        line.offset_next = records[-1].offset + 1
        line.batches.append((line.offset_next, added))
        line.bytes_waiting += added

    def note_end(self, topic: InputTopic, at_end: bool) -> bool:  # noqa: FBT001  it is what is noted
        """Note whether the topic has been read to its high-water mark; return whether that is new."""
        line = self._lines[topic]
        is_new, line.at_end = line.at_end != at_end, at_end
        return is_new

    def waiting(self, topic: InputTopic) -> int:
        """Return how many records of a topic wait."""
        return len(self._lines[topic].records)

    def bytes_waiting(self, topic: InputTopic) -> int:
        """Return how many bytes of a topic wait, those of a batch begun still counted whole."""
        line = self._lines[topic]
        first = line.records[0].offset if line.records else line.offset_next
        while line.batches and line.batches[0][0] <= first:
            line.bytes_waiting -= line.batches.popleft()[1]
        return line.bytes_waiting

    def peek(self) -> Next | None:
        """Return the next record without taking it; None when there is none, or when it cannot be told yet."""
        usage, commands = self._lines["usage"], self._lines["commands"]
        if usage.records and commands.records:
            later = commands.records[0].timestamp > usage.records[0].timestamp
            return Next("usage", usage.records[0]) if later else Next("commands", commands.records[0])
        if usage.records and commands.at_end:
            return Next("usage", usage.records[0])
        if commands.records and usage.at_end:
            return Next("commands", commands.records[0])
        return None

    def usage_before(self) -> tuple[deque[Record], int]:
        """Return the usage records that wait, and the timestamp up to which they go before any command.

        0 where not even the first may go. Whoever takes from the left of them need not ask `peek` for each.
        """
        usage, commands = self._lines["usage"], self._lines["commands"]
        if commands.records:
            return usage.records, commands.records[0].timestamp
        return usage.records, _ALL_TIME_MS if commands.at_end else 0

    def take(self) -> Next | None:
        """Take the next record; None as for `peek`."""
        found = self.peek()
        if found is not None:
            self._lines[found.topic].records.popleft()
        return found

    @property
    def is_idle(self) -> bool:
        """Whether both topics have been read to their ends and nothing waits."""
        return not len(self) and all(line.at_end for line in self._lines.values())
