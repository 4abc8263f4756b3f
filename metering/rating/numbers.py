"""Telephone numbers: the shape that is priced, and what people write turned into it.

Leaves which destinations have a price to `index`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec
import phonenumbers

# E.164: at most 15 digits. The shortest numbers in use with a country code have 7 (+683 4000); 5 leaves some room.
DIGITS_MIN, DIGITS_MAX = 5, 15
# TS 23.040, 9.1.2.5: an alphanumeric address has room for 11 septets.
ALPHANUMERIC_MAX = 11
SHORT_CODE_DIGITS = range(3, 9)
# A few hundred bytes an entry; numbers repeat within a campaign, not over a year.
CACHE_ENTRIES_MAX = 65_536

NumberKind = Literal["e164", "short_code", "alphanumeric"]


class Number(msgspec.Struct, frozen=True, gc=False):
    """A normalised number: `value` is `+` and digits, the short code's digits, or the alphanumeric sender as is."""

    kind: NumberKind
    value: str


# The one form that is priced; the match object or None, for where a call more would be felt.
match_e164 = re.compile(rf"\+[1-9][0-9]{{{DIGITS_MIN - 1},{DIGITS_MAX - 1}}}", re.ASCII).fullmatch


def is_e164(text: str) -> bool:
    """Say whether `text` is `+`, a digit from 1 to 9 and 4 to 14 more digits: the one form that is priced."""
    return match_e164(text) is not None


@lru_cache(maxsize=CACHE_ENTRIES_MAX)
def normalise_number(text: str, default_country: str | None = None) -> Number:
    """Read a number as people write it.

    That is `+44 …`, `0044…`, the national form in `default_country` (ISO code), a short code (3 to 8 digits that are
    no national number), or an alphanumeric sender (1 to 11 letters, digits, spaces and marks, with a letter).
    Raises ValueError when it is none of these. Not for the hot path: the first sight of a number costs about 50 µs.
    """
    stripped = text.strip()
    if is_e164(stripped):
        return Number("e164", stripped)
    if any(character.isalpha() for character in stripped) and not stripped.startswith("+"):
        if (
            len(stripped) <= ALPHANUMERIC_MAX
            and stripped.isascii()
            and all(c.isalnum() or c in " -_.&'!" for c in stripped)
        ):
            return Number("alphanumeric", stripped)
        message = f"{text!r} is not a sender of 1 to 11 letters, digits and spaces"
        raise ValueError(message)
    digits = "".join(character for character in stripped if character.isdecimal())
    if digits.startswith("00") and not stripped.startswith("+"):
        stripped = f"+{digits[2:]}"
    try:
        parsed = phonenumbers.parse(stripped, default_country)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is not None and phonenumbers.is_possible_number(parsed):
        value = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if is_e164(value):
            return Number("e164", value)
    if stripped.isascii() and stripped.isdecimal() and len(stripped) in SHORT_CODE_DIGITS:
        return Number("short_code", stripped)
    message = f"{text!r} is not a telephone number"
    raise ValueError(message)


def country_of(to: str) -> str | None:
    """Return the ISO country of an E.164 number, `001` for worldwide services, None if unknown; for metrics."""
    return _country_of_head(to[:8])


@lru_cache(maxsize=4096)
def _country_of_head(head: str) -> str | None:
    for length in (3, 2, 1):
        code = head[1 : 1 + length]
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code.isdecimal() else None
        if not regions:
            continue
        if len(regions) == 1:
            return str(regions[0])
        for region in regions:
            metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
            leading = metadata.leading_digits if metadata is not None else None
            if leading and re.match(leading, head[1 + length :]):
                return str(region)
        return str(regions[0])
    return None
