from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import Segments, count_segments
from metering.rating.alphabet import BASIC, EXTENSION, NO_CHARACTER
from metering.rating.segments import Encoding, count_blocks, count_units

GSM = sorted(set(BASIC) - {NO_CHARACTER})
PAIRS = sorted(EXTENSION.values())


def reference(text: str) -> Segments:
    """Fill parts one character after the other, as TS 23.040 has a sender do it."""
    if all(character in GSM or character in PAIRS for character in text):
        sizes, single, part = [2 if character in PAIRS else 1 for character in text], 160, 153
    else:
        utf16 = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        sizes = [2 if character > "\uffff" else 1 for character in utf16]
        single, part = 70, 67
    encoding: Encoding = "gsm7" if single == 160 else "ucs2"
    total = sum(sizes)
    if total <= single:
        return Segments(encoding, total, 1)
    parts, room = 1, part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, part
        room -= size
    return Segments(encoding, total, parts)


gsm_texts = st.text(st.sampled_from([*GSM, *PAIRS * 5]), max_size=700)
long_texts = st.lists(st.sampled_from(["a" * 50, "€", "{}", "é", "b", "x" * 152, "€" * 76]), max_size=40).map("".join)
wide_texts = st.text(st.sampled_from([*"aяЖ中ç", "😀", "👩", "\u200d", "\ud83d", "\ude00"]), max_size=300)


@settings(max_examples=300, deadline=None)
@given(st.one_of(gsm_texts, long_texts, wide_texts, st.text(max_size=400)))
def test_count_equals_filling_parts_one_character_at_a_time(text: str) -> None:
    assert reference(text) == count_segments(text)


@pytest.mark.requirement("INF-09")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("gsm7", 0, 1)),
        ("a" * 160, Segments("gsm7", 160, 1)),
        ("a" * 161, Segments("gsm7", 161, 2)),
        ("a" * 306, Segments("gsm7", 306, 2)),
        ("a" * 307, Segments("gsm7", 307, 3)),
        ("я" * 70, Segments("ucs2", 70, 1)),
        ("я" * 71, Segments("ucs2", 71, 2)),
        ("я" * 134, Segments("ucs2", 134, 2)),
        ("я" * 135, Segments("ucs2", 135, 3)),
        ("😀" + "a" * 69, Segments("ucs2", 71, 2)),
        ("😀" * 35, Segments("ucs2", 70, 1)),
        ("😀" * 36, Segments("ucs2", 72, 2)),
    ],
)
def test_text_at_a_boundary_is_counted_by_the_standard(text: str, expected: Segments) -> None:
    assert expected == count_segments(text)


@pytest.mark.parametrize("character", PAIRS)
def test_extension_character_takes_two_septets(character: str) -> None:
    assert Segments("gsm7", 160, 1) == count_segments(character * 80)
    assert Segments("gsm7", 162, 2) == count_segments(character * 81)


def test_escape_pair_is_not_split_between_parts() -> None:
    assert Segments("gsm7", 306, 3) == count_segments("a" * 152 + "€" + "b" * 152)
    assert Segments("gsm7", 306, 2) == count_segments("a" * 151 + "€" + "b" * 153)


def test_surrogate_pair_is_not_split_between_parts() -> None:
    assert Segments("ucs2", 134, 3) == count_segments("я" * 66 + "😀" + "я" * 66)
    assert Segments("ucs2", 134, 2) == count_segments("я" * 65 + "😀" + "я" * 67)


def test_capital_c_with_cedilla_is_gsm_and_the_small_one_is_not() -> None:
    assert Segments("gsm7", 1, 1) == count_segments("Ç")
    assert Segments("ucs2", 1, 1) == count_segments("ç")


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\t", "`", "ï", "\ufffd", "\ufffe", "\uffff"])
def test_character_outside_the_alphabet_makes_the_text_ucs2(character: str) -> None:
    assert Segments("ucs2", 3, 1) == count_segments(f"a{character}b")


@pytest.mark.parametrize("character", GSM)
def test_basic_character_takes_one_septet(character: str) -> None:
    assert Segments("gsm7", 160, 1) == count_segments(character * 160)


def test_alphabet_has_127_characters_and_ten_more() -> None:
    assert len(GSM) == 127
    assert len(PAIRS) == 10


@given(st.integers(0, 5000))
def test_blocks_are_started_160s_and_at_least_one(characters: int) -> None:
    assert max(1, (characters + 159) // 160) == count_blocks(characters)


@pytest.mark.parametrize(
    ("encoding", "characters", "expected"),
    [("gsm7", 160, 1), ("gsm7", 161, 2), ("gsm7", 0, 1), ("ucs2", 70, 1), ("ucs2", 71, 2), ("ucs2", 135, 3)],
)
def test_length_alone_is_counted_without_pairs(encoding: str, characters: int, expected: int) -> None:
    assert expected == count_units(encoding, characters)  # type: ignore[arg-type]
