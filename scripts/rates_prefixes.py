"""Which national prefixes belong to which kind of number, from the public numbering plans in `phonenumbers`.

Leaves prices and files to `rates_world`.
"""

from __future__ import annotations

# The standard library's own regex parser: private, without stubs, the same since 3.11; this is not shipped code.
import re._constants as opcode  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable
from functools import cache
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberDesc

DIGITS = "0123456789"
# The four kinds that decks price apart. Where a prefix belongs to several, the costlier one decides, except that a
# prefix which cannot be told mobile from fixed (the NANP) counts as fixed.
KINDS = ("fixed", "mobile", "premium", "toll_free")


def expand_prefixes(pattern: str, depth: int) -> frozenset[str]:
    """All strings of at most `depth` digits that numbers matching `pattern` begin with."""
    return frozenset(_expand(parser.parse(pattern), depth))


def _expand(nodes: Any, depth: int) -> set[str]:
    heads = {""}
    for operator, argument in nodes:
        room = depth - min(map(len, heads))
        if room == 0:
            break
        heads = _join(heads, _expand_node(operator, argument, room), depth)
    return heads


def _join(heads: set[str], tails: set[str], depth: int) -> set[str]:
    full = {head for head in heads if len(head) == depth}
    return full | {(head + tail)[:depth] for head in heads - full for tail in tails}


def _expand_node(operator: Any, argument: Any, depth: int) -> set[str]:
    if operator is opcode.LITERAL:
        return {chr(argument)}
    if operator is opcode.IN:
        return _expand_set(argument)
    if operator is opcode.BRANCH:
        return set().union(*(_expand(branch, depth) for branch in argument[1]))
    if operator is opcode.SUBPATTERN:
        return _expand(argument[3], depth)
    if operator is opcode.MAX_REPEAT:
        least, most, nodes = argument
        once = _expand(nodes, depth)
        found, power = set(), {""}
        for count in range(min(most, depth) + 1):
            if count >= min(least, depth):
                found |= power
            if count < depth:
                power = _join(power, once, depth)
        return found
    message = f"no way to expand {operator}"
    raise NotImplementedError(message)


def _expand_set(members: Any) -> set[str]:
    digits: set[str] = set()
    for operator, argument in members:
        if operator is opcode.LITERAL:
            digits.add(chr(argument))
        elif operator is opcode.RANGE:
            digits.update(chr(code) for code in range(argument[0], argument[1] + 1))
        else:  # \d is the only category that numbering plans use
            digits.update(DIGITS)
    return digits


@cache
def kind_prefixes(region: str, depth: int) -> dict[str, str]:
    """Map each national prefix of `depth` digits that is in use in `region` (ISO code) to its kind."""
    metadata = _metadata(region)
    found = {
        "fixed": _of(metadata.fixed_line, depth),
        "mobile": _of(metadata.mobile, depth),
        "premium": _of(metadata.premium_rate, depth) | _of(metadata.shared_cost, depth),
        "toll_free": _of(metadata.toll_free, depth),
    }
    kinds = {}
    for prefix in sorted(frozenset().union(*found.values())):
        if prefix in found["fixed"]:
            kinds[prefix] = "fixed"
        else:
            kinds[prefix] = next(kind for kind in ("mobile", "premium", "toll_free") if prefix in found[kind])
    return kinds


def _metadata(region: str) -> PhoneMetadata:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        message = f"phonenumbers knows no region {region}"
        raise KeyError(message)
    return metadata


def _of(description: PhoneNumberDesc | None, depth: int) -> frozenset[str]:
    pattern = description.national_number_pattern if description is not None else None
    return expand_prefixes(pattern, depth) if pattern and pattern != "NA" else frozenset()


def merge_prefixes(prefixes: Iterable[str]) -> list[str]:
    """Replace ten sibling prefixes by their parent, as often as that goes."""
    merged = set(prefixes)
    for length in range(max(map(len, merged), default=0), 1, -1):
        for parent in {prefix[:-1] for prefix in merged if len(prefix) == length}:
            children = {parent + digit for digit in DIGITS}
            if children <= merged:
                merged = merged - children | {parent}
    return sorted(merged)


def calling_codes() -> list[tuple[int, tuple[str, ...]]]:
    """Every country calling code with its regions, the main region first; `001` marks a worldwide service."""
    return [(code, tuple(regions)) for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items())]


def leading_digits(region: str) -> list[str]:
    """Return the national digits that set a region apart within a calling code; empty for the main region."""
    metadata = _metadata(region)
    return sorted(expand_prefixes(metadata.leading_digits, 6)) if metadata.leading_digits else []
