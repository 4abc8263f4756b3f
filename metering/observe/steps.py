"""The moments of a batch that a fault can fall between, by name. Leaves what happens there to who listens.

Production listens to none of them. A fault test puts a listener into `Parts` that ends the process at one of them.
"""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """A moment that a process has reached: everything before it has happened, nothing after it has begun."""

    FENCED = "fenced"
    """Claim 1: the bucket's producer is started, the last owner is fenced."""
    TOKEN_TAKEN = "token_taken"  # noqa: S105  a step's name
    """Claim 2: no other worker's call changes the bucket."""
    END_READ = "end_read"
    """Claim 3: the ledger's effective end is known."""
    COMPARED = "compared"
    """Claim 4: Redis has answered whether it agrees."""
    RESTORING = "restoring"
    """Claim 4, restore: one batch of the books is in Redis."""
    RESTORED = "restored"
    """Claim 4, restore: all of them are, and the bucket is usable."""
    OUTBOX_PUBLISHED = "outbox_published"
    """What was applied and not published before is in the ledger, and not yet trimmed."""
    CLAIMED = "claimed"
    """Claim 5: both topics stand at the position; nothing has been polled."""

    POLLED = "polled"
    """Records are with their bucket."""
    TAKEN = "taken"
    """A chunk is taken; its dead letters and forwarded records are not written."""
    SIDES_WRITTEN = "sides_written"
    """Those are acknowledged."""
    PRICED = "priced"
    """The chunk is priced and goes to Lua next."""
    APPLIED = "applied"
    """Lua has answered; nobody else knows."""
    DECISIONS_SENT = "decisions_sent"
    """The decisions are with the client, not acknowledged."""
    DECISIONS_ACKNOWLEDGED = "decisions_acknowledged"
    """They are; publishing begins next."""
    TRANSACTION_BEGUN = "transaction_begun"
    """With transactions only."""
    RESULTS_PRODUCED = "results_produced"
    """Entries and side outputs are acknowledged."""
    OFFSETS_SENT = "offsets_sent"
    """With transactions only: the offsets are in the transaction."""
    COMMITTED = "committed"
    """The transaction, or without transactions the offsets, are committed."""
    TRIMMED = "trimmed"
    """The outbox is as short as it may be."""

    BOOKS_OPENED = "books_opened"
    """Checkpointer: the position row is read, reading goes on there."""
    POSITION_LOCKED = "position_locked"
    """Flush 1."""
    ENTRIES_COPIED = "entries_copied"
    """Flush 2, one slice."""
    STATES_SAVED = "states_saved"
    """Flush 3, before the position is moved."""
    POSITION_MOVED = "position_moved"
    """Flush 3; only the commit is missing."""
    BOOKS_COMMITTED = "books_committed"
    """Flush 4; the process does not know it yet."""
    TIDIED = "tidied"
    """What the window has left behind is put away."""


class Steps:
    """Is told of each step as it is reached. This one listens to none."""

    def reached(self, step: Step, bucket: int) -> None:
        """Hear that `bucket` has reached `step`. Called in the middle of the work: it must not take time."""


NO_STEPS = Steps()
