"""Ledger entries as they are made of results. Leaves decisions and alerts to the worker's outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from metering.errors import ensure
from metering.ledger.carried import Carried, decode_carried, encode_carried
from metering.ledger.effects import Effect, effect_of
from metering.ledger.identity import event_digest
from metering.ledger.plain_effects import PlainEffect, plain_effect
from metering.ledger.results import Extras, Result

_encode_into = msgspec.json.Encoder().encode_into
_COMMA = ord(",")
"""In the place of an effect's closing brace: what was carried follows, without its opening one."""


class EntryMade(Struct, gc=False):
    """An entry with all that outputs are made of: what Lua decided, what its input carried, and its bytes.

    Most entries are read by their `result` alone; the effect is made when somebody asks for it.
    """

    bucket: int
    seq: int
    chunk: str
    prev_chunk: str
    carried: Carried
    result: Result
    value: bytes
    digest_known: str | None = None
    effect_known: Effect | None = None

    @property
    def id(self) -> str:
        """The entry's id."""
        return f"{self.bucket}-{self.seq}"

    @property
    def effect(self) -> Effect:
        """What Lua decided, in the contracts' words."""
        if self.effect_known is None:
            self.effect_known = effect_of(
                self.bucket, self.seq, self.chunk, self.prev_chunk, self.result, self.carried.charge_id
            )
        return self.effect_known

    @property
    def digest(self) -> str:
        """The digest of the usage event behind it; empty where there is none."""
        if self.digest_known is None:
            event = self.carried.event
            self.digest_known = event_digest(event.source, event.id) if event is not None else ""
        return self.digest_known

    @property
    def changes_settings(self) -> bool:
        """Whether the customer's settings are others from here on."""
        return self.result.more().settings is not None

    @property
    def is_timer(self) -> bool:
        """Whether it is a timer effect, which answers nobody."""
        return self.result.input < 0


def make_entries(  # noqa: PLR0913, PLR0917  all that a chunk's entries are made of
    bucket: int,
    first_seq: int,
    chunk: str,
    prev_chunk: str,
    results: Sequence[Result],
    carried: Sequence[Carried],
    fragments: Sequence[bytes] | None = None,
    digests: Sequence[str] | None = None,
) -> Iterator[EntryMade]:
    """Yield the entries of a chunk in their order. The same arguments always give the same bytes.

    `fragments` is the JSON of `carried`, and `digests` are those of its events, where they are known already.
    """
    previous = prev_chunk
    # One buffer for all: an entry is copied once, when it is put together.
    buffer = bytearray()
    for seq, result in enumerate(results, first_seq):
        yield make_entry(bucket, seq, chunk, previous, result, carried, fragments, digests, buffer)
        previous = chunk


def make_entry(  # noqa: PLR0913, PLR0917  all that an entry is made of
    bucket: int,
    seq: int,
    chunk: str,
    prev_chunk: str,
    result: Result,
    carried: Sequence[Carried],
    fragments: Sequence[bytes] | None,
    digests: Sequence[str] | None,
    buffer: bytearray,
) -> EntryMade:
    """Return one of the entries of `make_entries`; `buffer` is overwritten."""
    at = abs(result.input) - 1
    ensure(at >= 0, "an entry without an input")
    about = carried[at]
    if result.input < 0:
        about = _timer_carried(about, result.more())
        fragment, digest = encode_carried(about), None
    else:
        fragment = encode_carried(about) if fragments is None else fragments[at]
        digest = digests[at] if digests is not None else None
    effect = None
    plain = plain_effect(bucket, seq, chunk, prev_chunk, result, about.charge_id)
    if plain is not None:
        value = entry_value(plain, fragment, buffer)
    else:
        effect = effect_of(bucket, seq, chunk, prev_chunk, result, about.charge_id)
        value = entry_value(effect, fragment, buffer)
    return EntryMade(bucket, seq, chunk, prev_chunk, about, result, value, digest, effect)


def entry_value(effect: PlainEffect | Effect, fragment: bytes, buffer: bytearray) -> bytes:
    """Return an entry's JSON: what was decided, then what was carried. `buffer` is overwritten."""
    _encode_into(effect, buffer)
    buffer[-1] = _COMMA
    return b"".join((buffer, fragment[1:]))


def read_fragments(fragments: Sequence[bytes]) -> list[Carried]:
    """Return what the inputs of a stored chunk carried."""
    return [decode_carried(fragment) for fragment in fragments]


def _timer_carried(about: Carried, more: Extras) -> Carried:
    """Return what a timer effect carries: it stands before the input whose clock ran it."""
    return Carried(
        position=about.before(),
        applied_at_ms=about.applied_at_ms,
        input=about.input,
        customer=more.customer or "",
        charge_id=more.charge,
        sender=more.sender,
    )
