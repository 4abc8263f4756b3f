"""The error tree. A class says what may be done about it; the docstring is the default message."""

from __future__ import annotations


class MeteringError(Exception):
    """Something went wrong in metering."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class RejectedInput(MeteringError):
    """The input is not acceptable; it goes to the dead letters with its reason and the stream goes on."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Retryable(MeteringError):
    """A dependency did not answer; the same call may succeed later."""


def broker_away(bootstrap: str, error: Exception) -> Retryable:
    """Return what to raise where no broker answers at `bootstrap`: it says what to do about it."""
    where = "set METERING_KAFKA__BOOTSTRAP to where it is"
    return Retryable(f"the broker at {bootstrap} does not answer ({error}): start it, or {where}")


class Fatal(MeteringError):
    """The process cannot go on: a setting or a dependency is wrong. The message names what to change."""


class BrokenInvariant(MeteringError):
    """A promise does not hold; the bucket stops, keeps the evidence, and waits for an operator."""


class NeedsOperator(MeteringError):
    """How a bucket goes on is for an operator to decide; it stops before it has done anything about it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def ensure(condition: bool, why: str) -> None:  # noqa: FBT001  the condition is the subject, as in `assert`
    """Raise `BrokenInvariant` with `why` unless `condition` holds. Unlike `assert` it survives `python -O`."""
    if not condition:
        raise BrokenInvariant(why)
