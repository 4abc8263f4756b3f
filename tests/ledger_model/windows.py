"""What is remembered for how long, and what a repeat gets. Leaves first times to their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ledger_model.inputs import Command, Event
from tests.ledger_model.seen import SeenCommand, SeenEvent

if TYPE_CHECKING:
    from tests.ledger_model.bucket import Bucket

HOUR = 3_600_000
SLOT = 12 * HOUR
WINDOW = 24 * HOUR + 600_000
"""A day, and the ten minutes by which an event's own time may be ahead of the log."""
COMMAND_WINDOW = 7 * 24 * HOUR


def slot_is_live(moment: int, now: int) -> bool:
    """What happened at `moment` is remembered as long as its slot of 12 h is live: its end lies within the window."""
    return (moment // SLOT + 1) * SLOT > now - WINDOW


def first_of(bucket: Bucket, given: Event | Command) -> SeenEvent | SeenCommand | None:
    """An event seen before (`source` + `id`, within the window); a command of the same customer and id."""
    if isinstance(given, Command):
        command = bucket.commands.get((given.customer, given.id))
        return command if command is not None and command.applied_at + COMMAND_WINDOW > bucket.clock else None
    event = bucket.events.get((given.source, given.id))
    return event if event is not None and slot_is_live(event.applied_at, bucket.clock) else None


def repeat(bucket: Bucket, given: Event | Command, first: SeenEvent | SeenCommand) -> dict[str, Any]:
    """A repeat is `duplicate`, amount 0, with the first one's decision or answer and `duplicate_of`."""
    if isinstance(first, SeenEvent):
        told = {"reason": first.reason, "decision": first.decision, "granted": first.granted}
        return bucket.entry(given, "duplicate", duplicate_of=first.seq, **told)
    return bucket.entry(given, "duplicate", reason=first.reason, duplicate_of=first.seq)


def remember(bucket: Bucket, given: Event | Command, entry: dict[str, Any]) -> None:
    """Keep what a repeat will be told."""
    seq, now, reason = entry["seq"], bucket.clock, entry["reason"]
    if isinstance(given, Command):
        bucket.commands[given.customer, given.id] = SeenCommand(
            seq, now, reason, entry["wallet"], entry["amount"], entry["after"]
        )
    else:
        bucket.events[given.source, given.id] = SeenEvent(seq, now, entry["decision"], reason, entry["granted"])
