"""Counts texts with a plan's options: look-alikes replaced, national shift tables tried.

Leaves the plain count, which most plans use, to `segments`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import msgspec

from metering.rating.national import DEFAULT, DEFAULT_EXTENSION, LOCKING_SHIFT, SINGLE_SHIFT
from metering.rating.plan_file import SegmentOptions
from metering.rating.segments import PAIR, Segments, count_pairs_unsplit, count_segments
from metering.rating.smart import SMART

Counter = Callable[[str], Segments]

# TS 23.040, 9.2.3.24: one octet for the header's length, three for each shift table, five for the concatenation.
_OCTETS = 140
_TABLE_OCTETS = 3
_CONCATENATION_OCTETS = 5


class ShiftPair(msgspec.Struct, frozen=True):
    """A locking and a single shift table used together; `basic` costs one septet, `shifted` two.

    `single` and `part` are the septets that a lone message and a part of a longer one have left beside the header.
    """

    basic: frozenset[str]
    shifted: frozenset[str]
    single: int
    part: int

    def count(self, text: str) -> tuple[int, int] | None:
        """Return (septets, parts) of a text that is not empty, None when it has other characters."""
        characters = set(text)
        if not characters <= self.basic | self.shifted:
            return None
        beyond = characters - self.basic
        septets = len(text) + sum(text.count(character) for character in beyond)
        if septets <= self.single:
            return septets, 1
        encoded = bytes(PAIR if character in beyond else 0 for character in text)
        return septets, count_pairs_unsplit(encoded, self.part)


def make_pairs(options: SegmentOptions) -> tuple[ShiftPair, ...]:
    """List every combination of tables that a plan allows, the default alphabet and extension first."""
    locking = [DEFAULT, *(LOCKING_SHIFT[name] for name in options.locking_shift)]
    single = [DEFAULT_EXTENSION, *(SINGLE_SHIFT[name] for name in options.single_shift)]
    pairs = []
    for basic in locking:
        for shifted in single:
            tables = (basic is not DEFAULT) + (shifted is not DEFAULT_EXTENSION)
            alone = tables * _TABLE_OCTETS
            pairs.append(ShiftPair(basic, shifted, _septets(alone), _septets(alone + _CONCATENATION_OCTETS)))
    return tuple(pairs)


def _septets(elements: int) -> int:
    """Return the septets left beside a header whose elements take `elements` octets; none at all without any."""
    return (_OCTETS - (elements + 1 if elements else 0)) * 8 // 7


def make_counter(options: SegmentOptions) -> Counter:
    """Return the function that counts a plan's texts; the plain one when it has no options."""
    if not options.smart and not options.single_shift and not options.locking_shift:
        return count_segments
    pairs = make_pairs(options)

    def count(text: str) -> Segments:
        plain = replace_look_alikes(text) if options.smart else text
        counted = count_segments(plain)
        if counted.segments == 1 and counted.encoding == "gsm7":
            return counted
        return _best(pairs, plain) or counted

    return count


def _best(pairs: Sequence[ShiftPair], text: str) -> Segments | None:
    """Count with the pair of tables that needs the fewest parts, then septets; None when none has all characters."""
    counts = [found for pair in pairs if (found := pair.count(text)) is not None]
    if not counts:
        return None
    septets, parts = min(counts, key=lambda found: (found[1], found[0]))
    return Segments("gsm7", septets, parts)


def replace_look_alikes(text: str) -> str:
    """Replace typographic characters by plain ones, and letters with separate accents by the composed ones."""
    return unicodedata.normalize("NFC", text).translate(SMART)
