"""Encoding, length and number of parts of a text message (3GPP TS 23.038 and TS 23.040).

Leaves national tables and replaced characters to `texts`, and prices to `plan`.
"""

from __future__ import annotations

from codecs import charmap_build, charmap_encode
from typing import Literal

import msgspec

from metering.rating.alphabet import BASIC, ESCAPE, EXTENSION, NO_CHARACTER

Encoding = Literal["gsm7", "ucs2"]
Segmenting = Literal["gsm7_ucs2", "flat160"]

# TS 23.040, 9.2.3.24.1: the number of parts of a concatenated message is one octet.
SEGMENTS_MAX = 255
# 140 octets carry 160 septets or 70 UTF-16 units; the concatenation header takes 6 octets of each part.
GSM7_SINGLE, GSM7_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67

# One byte per character: basic characters below 0x80, extension characters at 0x80 + their septet. CPython builds its
# fast map (C lookups, 4 times quicker than a dict) only when byte 0 is NUL, so "@" moves to the escape's free place.
_TABLE = "\0" + BASIC[1:ESCAPE] + BASIC[0] + BASIC[ESCAPE + 1 :]
_TABLE += "".join(EXTENSION.get(septet, NO_CHARACTER) for septet in range(128))
_ENCODING_MAP = charmap_build(_TABLE)
# A byte from here up stands for an escape pair.
PAIR = 0x80
_PAIR_BYTES = bytes(range(PAIR, 256))

# The upper bytes of the two halves of a surrogate pair.
_HIGH = range(0xD8, 0xDC)
_LOW = range(0xDC, 0xE0)


class Segments(msgspec.Struct, frozen=True, gc=False):
    """How a text travels.

    `characters` counts the encoding's own units, as phones show them: septets of GSM-7 (an extension character is
    two), UTF-16 units of UCS-2 (a character beyond the BMP is two).
    """

    encoding: Encoding
    characters: int
    segments: int


def count_segments(text: str) -> Segments:
    """Count the parts of `text`: greedily filled, never splitting an escape pair or a surrogate pair; empty text is 1.

    The count may exceed `SEGMENTS_MAX`; whoever prices it refuses that. Lone surrogates count as one UTF-16 unit.
    """
    # Leaving out what the alphabet has not and comparing lengths is quicker than raising an exception for it.
    encoded, characters = charmap_encode(text, "ignore", _ENCODING_MAP)
    septets = len(encoded)
    if septets != characters or "\0" in text:
        return count_ucs2(text)
    if encoded.isascii():
        return Segments("gsm7", septets, 1 if septets <= GSM7_SINGLE else -(-septets // GSM7_PART))
    septets += septets - len(encoded.translate(None, _PAIR_BYTES))
    if septets <= GSM7_SINGLE:
        return Segments("gsm7", septets, 1)
    return Segments("gsm7", septets, count_pairs_unsplit(encoded, GSM7_PART))


def count_pairs_unsplit(encoded: bytes, part: int) -> int:
    """Count parts of `part` septets for `encoded`: one byte a character, two septets (a pair) from 0x80 up."""
    start, parts, end = 0, 0, len(encoded)
    while start < end:
        # At least half as many characters as there are septets left fit; that much is taken until one septet is left.
        room, stop = part, start
        while room > 1 and stop < end:
            step = encoded[stop : stop + room // 2]
            room -= 2 * len(step) - len(step.translate(None, _PAIR_BYTES))
            stop += len(step)
        if room == 1 and stop < end and encoded[stop] < PAIR:
            stop += 1
        start = stop
        parts += 1
    return parts


def count_ucs2(text: str) -> Segments:
    """Count the parts of a text in UCS-2, whatever its characters; it is not empty."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    units = len(encoded) // 2
    if units <= UCS2_SINGLE:
        return Segments("ucs2", units, 1)
    start, parts = 0, 0
    while start < units:
        start += UCS2_PART
        # The first half of a surrogate pair must not end this part.
        if start < units and encoded[2 * start - 1] in _HIGH and encoded[2 * start + 1] in _LOW:
            start -= 1
        parts += 1
    return Segments("ucs2", units, parts)


def count_blocks(characters: int) -> int:
    """Count started blocks of 160 characters, whatever their encoding (`flat160`); none is 1."""
    return -(-characters // GSM7_SINGLE) or 1


def count_units(encoding: Encoding, characters: int) -> int:
    """Count parts when only the encoding and the length in its units are known, so pairs cannot be seen."""
    single, part = (GSM7_SINGLE, GSM7_PART) if encoding == "gsm7" else (UCS2_SINGLE, UCS2_PART)
    return 1 if characters <= single else -(-characters // part)
