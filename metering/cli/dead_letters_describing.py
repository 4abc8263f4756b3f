"""Dead letters as they are printed. Leaves finding them to `dead_letters_reading`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from msgspec import Struct

from metering.cli.dead_letters_original import customer_of, place_of, retry_until_ms
from metering.cli.dead_letters_reading import Known, Letters
from metering.cli.output import format_table
from metering.contracts.dead_letters import DeadLetterResolution
from metering.contracts.reasons import DeadLetterReason
from metering.ledger.till import Windows

DETAIL_SHOWN_MAX = 60


class LetterLine(Struct, frozen=True):
    """One line of `metering dead-letters list --json`."""

    key: str
    timestamp_ms: int
    reason: DeadLetterReason
    detail: str
    customer: str | None
    retry_until_ms: int
    retry_of: str | None


class LetterList(Struct, frozen=True):
    """What `metering dead-letters list --json` prints: how many are open, and the oldest of them."""

    open: int
    by_reason: dict[str, int]
    dead_letters: list[LetterLine]


class LetterView(Struct, frozen=True):
    """What `metering dead-letters show --json` prints. Times are Unix milliseconds."""

    key: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    reason: DeadLetterReason
    detail: str
    customer: str | None
    goes_to: int
    """The partition that a retry sends it to."""
    retry_until_ms: int
    """After this it would not be known as a repeat, and is not sent again."""
    retry_of: str | None
    resolution: DeadLetterResolution | None
    """None: it is open."""
    original_key: bytes | None
    """Base64, as it was."""
    value: str | None
    """The original, where it is text."""
    value_base64: bytes | None
    """The original, where it is none."""


def list_letters(letters: Letters, windows: Windows, most: int) -> LetterList:
    """Return the counts of the open ones, and the first `most` of them."""
    counts = letters.count_open()
    known = islice((known for page in letters.open_pages() for known in page), most)
    return LetterList(sum(counts.values()), counts, [_line(one, windows) for one in known])


def view_letter(known: Known, windows: Windows, partitions: int) -> LetterView:
    """Return all that is known of one."""
    letter = known.letter
    value = letter.value
    try:
        text = None if value is None else value.decode()
    except UnicodeDecodeError:
        text = None
    return LetterView(
        key=known.key,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        timestamp_ms=letter.timestamp_ms,
        reason=letter.reason,
        detail=letter.detail,
        customer=customer_of(letter),
        goes_to=place_of(letter, partitions)[0],
        retry_until_ms=retry_until_ms(letter, windows),
        retry_of=letter.retry_of,
        resolution=known.resolution,
        original_key=letter.key,
        value=text,
        value_base64=value if text is None else None,
    )


def describe_list(found: LetterList) -> str:
    """Return a table, and below it the counts."""
    rows = [
        (
            line.key,
            _moment(line.timestamp_ms),
            line.reason.value,
            line.customer or "-",
            _moment(line.retry_until_ms),
            _shorten(line.detail),
        )
        for line in found.dead_letters
    ]
    head = ("key", "logged", "reason", "customer", "retry until", "detail")
    counts = ", ".join(f"{reason} {count:,}" for reason, count in found.by_reason.items())
    shown = f", the oldest {len(rows):,} shown" if len(rows) < found.open else ""
    summary = f"{found.open:,} open{shown}" + (f": {counts}" if counts else "")
    return f"{format_table(head, rows)}\n{summary}" if rows else summary


def describe_letters(views: Sequence[LetterView]) -> str:
    """Return what is known of each, and its original last."""
    return "\n\n".join(_describe(view) for view in views)


def _describe(view: LetterView) -> str:
    lines = [
        f"{view.key}: {view.reason}: {view.detail}",
        f"logged {_moment(view.timestamp_ms)}, customer {view.customer or 'not known'}",
        f"a retry goes to partition {view.goes_to} of {view.topic}, until {_moment(view.retry_until_ms)}",
    ]
    if view.retry_of:
        lines.append(f"was sent again before: {view.retry_of}")
    if view.resolution:
        done = view.resolution
        why = f": {done.reason}" if done.reason else ""
        where = f" as {done.sent_to}" if done.sent_to else ""
        lines.append(f"{done.resolution}{where} by {done.actor}, {_moment(done.at_ms)}{why}")
    else:
        lines.append("open")
    lines.append(view.value if view.value is not None else repr(view.value_base64))
    return "\n".join(lines)


def _line(known: Known, windows: Windows) -> LetterLine:
    letter = known.letter
    return LetterLine(
        known.key,
        letter.timestamp_ms,
        letter.reason,
        letter.detail,
        customer_of(letter),
        retry_until_ms(letter, windows),
        letter.retry_of,
    )


def _shorten(text: str) -> str:
    return text if len(text) <= DETAIL_SHOWN_MAX else text[: DETAIL_SHOWN_MAX - 1] + "…"


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
