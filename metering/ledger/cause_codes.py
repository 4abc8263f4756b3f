"""What blocks, as bits that Python and Lua share. Leaves all other codes to `codes`: never renumber."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from metering.contracts.reasons import Reason


class Cause(IntEnum):
    """What blocks a customer, a wallet or a sender, by the name of its reason; one bit each in a block's `causes`.

    A block stands as long as any cause does. Another cause needs a bit here and nothing else.
    """

    SUSPENDED = 1
    INSUFFICIENT_CREDIT = 2
    """Lifted as soon as the block's `needed` is available."""
    MANUAL = 4
    BELOW_LEVEL = 8
    WALLET_FROZEN = 16
    LIMIT_REACHED = 32
    SPAM = 64
    NO_PLAN = 128


CAUSE_REASONS: dict[int, Reason] = {cause.value: Reason[cause.name] for cause in Cause}


def causes_of(mask: int) -> tuple[Reason, ...]:
    """Return the causes in a block's bits, in the order of `Cause`."""
    return tuple(reason for cause, reason in CAUSE_REASONS.items() if mask & cause)


def mask_of(causes: Iterable[Reason]) -> int:
    """Return the bits of causes."""
    return sum(Cause[reason.name] for reason in causes)
