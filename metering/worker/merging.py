"""Puts the records of a bucket's two input topics into one order: the log's. Leaves reading them to the intake."""

from __future__ import annotations

from collections import deque
from typing import Literal

from aiokafka import ConsumerRecord
from msgspec import Struct

InputTopic = Literal["usage", "commands"]
INPUT_TOPICS: tuple[InputTopic, InputTopic] = ("usage", "commands")

_ALL_TIME_MS = 2**63


class _Line:
    """One topic's records that wait, and whether the topic has been read to its end."""

    __slots__ = ("at_end", "offset_next", "records")

    def __init__(self) -> None:
        self.records: deque[ConsumerRecord[bytes, bytes]] = deque()
        self.at_end = False
        self.offset_next = 0


class Next(Struct, frozen=True, gc=False):
    """The next record of the bucket, and which topic it comes from."""

    topic: InputTopic
    record: ConsumerRecord[bytes, bytes]


class InputQueue:
    """The records of one bucket. The older head goes first; of equal age, a command.

    A topic without waiting records counts as later only once it has been read to its high-water mark: otherwise, in a
    backlog, a fresh command would run ahead of outcomes that wait unread.
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
            line.at_end = False
            line.offset_next = offset

    def add(self, topic: InputTopic, records: list[ConsumerRecord[bytes, bytes]]) -> None:
        """Add records as they were read. What stands before the next offset expected is dropped: it was read before."""
        line = self._lines[topic]
        for record in records:
            if record.offset >= line.offset_next:
                line.records.append(record)
                line.offset_next = record.offset + 1

    def note_end(self, topic: InputTopic, at_end: bool) -> None:  # noqa: FBT001  it is what is noted
        """Note whether the topic has been read to its high-water mark."""
        self._lines[topic].at_end = at_end

    def waiting(self, topic: InputTopic) -> int:
        """Return how many records of a topic wait."""
        return len(self._lines[topic].records)

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

    def usage_before(self) -> tuple[deque[ConsumerRecord[bytes, bytes]], int]:
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
