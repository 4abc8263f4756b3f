"""The numbers that an event is about, as they are priced. Leaves prices to `event_inputs`."""

from __future__ import annotations

from metering.contracts.events import UsageData
from metering.rating import normalise_number
from metering.worker.decoding import recipients_of


def numbers_of(data: UsageData, country: str | None) -> tuple[str, ...]:
    """Return the numbers that an event is priced for; raises `ValueError` when one cannot be read."""
    to = recipients_of(data)
    if all(number.startswith("+") for number in to):
        return to
    return tuple(_normalised(number, country) for number in to)


def recipient_of(data: UsageData, country: str | None) -> str | None:
    """Return the one number of an outcome as it is priced, or as it came where it cannot be read."""
    try:
        return _normalised(data.to, country) if data.to else None
    except ValueError:
        return data.to


def _normalised(number: str, country: str | None) -> str:
    """Return a number as it is priced; raises `ValueError` when it cannot be read."""
    if number.startswith("+"):
        return number
    return normalise_number(number, country).value
