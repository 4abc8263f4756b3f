"""What a run of the checker explores: the bounds, the delivery mode, the faults allowed and the check left out."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple


class Check(Enum):
    """A check of the protocol that a run can leave out; the value is the row's wording in docs/protocol.md."""

    # The rows of the table "left out" in the design.
    OUTBOX = "results published from memory instead of the outbox"
    IDENTITY = "seq compared instead of identity"
    EXPECTED_HEAD = "apply without the expected head"
    TOKEN_FIRST = "token taken after reading the ledger"
    RESTORE_COUNTED = "restore not counted and closed"
    DECISIONS_AWAITED = "decisions not awaited before the commit"
    DRAIN = "memory not drained before recovery"
    PROBE = "no idle probe"
    POSITION = "position taken from Kafka without transactions"
    CHECKPOINT_CONDITIONAL = "checkpointer's write unconditional"

    # What else the protocol leans on.
    COMMITTED_FIRST = "committed offsets read after the ledger's end"
    FENCING = "transactions without fencing"
    OWN_END = "offsets committed without looking whether the own entry counts"
    READERS_CHUNK = "readers go by seq alone"
    SIDE_FIRST = "side topics written after the ledger"
    RESTORE_EXACT = "restore from the checkpoint wherever it stands"
    LETTERS_FIRST = "dead letter written after the position has moved past it"
    RESTORE_TOKEN = "an unanswered restore call repeated under the same token"
    CHUNK_FRESH = "an unanswered apply repeated under the same chunk id"
    TRIM_IDENTITY = "trim by seq alone"


class Faults(NamedTuple):
    """How often each fault may still happen."""

    crash: int = 0
    """The owner dies with everything in its memory; a fresh one starts with the claim."""
    rebalance: int = 0
    """The bucket goes to the other worker; the one that had it goes on until it notices: a zombie."""
    lost: int = 0
    """A script has its effect, but the worker never sees the answer."""
    late: int = 0
    """A call is given up by its caller and takes effect later, at any time, or never."""
    wipe: int = 0
    """Redis loses everything."""
    rollback: int = 0
    """Redis comes back in an earlier state, whichever."""


@dataclass(frozen=True)
class Config:
    """One bounded world. Small numbers are enough: each counterexample known needs at most two inputs and a timer."""

    transactions: bool
    """Kafka with transactions and fencing; otherwise at-least-once, as on a broker that has neither."""
    usage: str = "u"
    """The usage topic, one letter a record: u makes an entry, d is a dead letter that only moves the position."""
    commands: str = "c"
    timers: int = 0
    """Timer effects that may run once each; each makes an entry and moves no position."""
    chunk_max: int = 1
    memory_max: int = 2
    """Entries a worker holds unpublished: 2 lets a chunk be applied while the one before it is being published."""
    restore_chunks: int = 1
    checkpointers: int = 1
    """One is never in its own way and takes a single step; two take turns at reading and writing."""
    zombie_claims: bool = False
    """Whether a worker that has lost the bucket without knowing it may also claim it again."""
    cold: bool = False
    """Start with an empty Redis and a claim, rather than with a worker that runs."""
    faults: Faults = field(default=Faults())
    without: Check | None = None

    def __str__(self) -> str:
        """Name the bounds in one line, as test ids and traces show them."""
        mode = "transactions" if self.transactions else "at-least-once"
        inputs = [self.usage, self.commands, "t" * self.timers]
        faults = [f"{count} {name}" for name, count in zip(Faults._fields, self.faults, strict=True) if count]
        extras = [
            f"chunks of {self.chunk_max}" if self.chunk_max > 1 else "",
            f"{self.restore_chunks} restore chunks" if self.restore_chunks > 1 else "",
            f"{self.checkpointers} checkpointers" if self.checkpointers > 1 else "",
            "zombie claims" if self.zombie_claims else "",
            "cold start" if self.cold else "",
        ]
        return ", ".join([mode, "+".join(filter(None, inputs)), *filter(None, extras), *faults])
