from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import Segments, count_segments
from metering.rating.national import DEFAULT, DEFAULT_EXTENSION, LOCKING_SHIFT, SINGLE_SHIFT
from metering.rating.plan_file import IndicLanguage, SegmentOptions
from metering.rating.smart import SMART
from metering.rating.texts import make_counter, make_pairs, replace_look_alikes
from tests.rating.decks import make_plan, priced, request, sms

BLOCKS = {
    "bengali": 0x0980, "gujarati": 0x0A80, "hindi": 0x0900, "kannada": 0x0C80, "malayalam": 0x0D00, "oriya": 0x0B00,
    "punjabi": 0x0A00, "tamil": 0x0B80, "telugu": 0x0C00, "urdu": 0x0600,
}  # fmt: skip
TURKISH = SegmentOptions(single_shift=("turkish",), locking_shift=("turkish",))
SMARTLY = make_counter(SegmentOptions(smart=True))


def test_plan_without_options_counts_plainly() -> None:
    assert make_counter(SegmentOptions()) is count_segments


@pytest.mark.parametrize("language", sorted(BLOCKS))
def test_indic_tables_hold_their_script_and_what_all_share(language: str) -> None:
    first = BLOCKS[language]
    block = {chr(point) for point in range(first, first + (0x100 if language == "urdu" else 0x80))}
    locking, single = LOCKING_SHIFT[language], SINGLE_SHIFT[language]
    danda = set("।॥") if language not in {"hindi", "bengali", "telugu", "urdu"} else set()
    assert locking - block == set("\n\r !)(,.0123456789:;?abcdefghijklmnopqrstuvwxyz")
    assert single - block - danda == DEFAULT_EXTENSION | set("@£$¥¿\"¤%&'*+-/<=>¡_#ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert not locking & single & block
    # A table has 128 places, one of them the escape; a single shift table keeps one more for its own escape.
    assert len(locking) <= 127
    assert len(single) <= 126


def test_every_language_has_its_tables() -> None:
    assert set(get_args(IndicLanguage)) == set(BLOCKS)
    assert set(LOCKING_SHIFT) == set(BLOCKS) | {"turkish", "portuguese"}
    assert set(SINGLE_SHIFT) == set(BLOCKS) | {"turkish", "portuguese", "spanish"}
    assert all(len(LOCKING_SHIFT[language]) == 127 for language in ("turkish", "portuguese", "hindi", "urdu"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ğ" * 155, Segments("gsm7", 155, 1)),  # locking
        ("ğ" * 156, Segments("gsm7", 156, 2)),
        ("ğ" * 298, Segments("gsm7", 298, 2)),
        ("ğ" * 299, Segments("gsm7", 299, 3)),
        ("ğ" + "è" * 153, Segments("gsm7", 155, 1)),  # only single shift has both
        ("ğ" + "è" * 154, Segments("gsm7", 156, 2)),
        ("ğ" * 145 + "[" * 3, Segments("gsm7", 151, 1)),  # locking with the default extension
        ("я", Segments("ucs2", 1, 1)),
        ("plain", Segments("gsm7", 5, 1)),
        ("", Segments("gsm7", 0, 1)),
    ],
)
def test_national_tables_cost_a_header_and_save_ucs2(text: str, expected: Segments) -> None:
    assert expected == make_counter(TURKISH)(text)


def test_two_tables_at_once_cost_the_longer_header() -> None:
    options = SegmentOptions(single_shift=("urdu",), locking_shift=("turkish",))
    assert Segments("gsm7", 152, 1) == make_counter(options)("ğ" * 150 + "۰")
    assert Segments("gsm7", 153, 2) == make_counter(options)("ğ" * 151 + "۰")


def test_locking_table_can_shorten_a_text_that_the_default_alphabet_has() -> None:
    assert count_segments("€" * 100).segments == 2
    assert Segments("gsm7", 100, 1) == make_counter(TURKISH)("€" * 100)


def test_escape_pair_is_not_split_with_national_tables() -> None:
    count = make_counter(SegmentOptions(single_shift=("turkish",)))
    assert Segments("gsm7", 298, 3) == count("a" * 148 + "ğ" + "a" * 148)
    assert Segments("gsm7", 298, 2) == count("a" * 147 + "ğ" + "a" * 149)


all_tables = SegmentOptions(
    single_shift=("turkish", "spanish", "portuguese", "hindi"), locking_shift=("turkish", "portuguese", "hindi")
)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from([*"aZ é€{", *"ğşç", *"áêõ", *"अआक०।", "я"]), max_size=400))
def test_options_never_make_a_text_longer(text: str) -> None:
    plain, counted = count_segments(text), make_counter(all_tables)(text)
    assert counted.segments <= plain.segments
    best = min(
        (
            (parts, septets)
            for pair in make_pairs(all_tables)
            for septets, parts in [fill(text, pair.basic, pair.shifted, pair.single, pair.part)]
            if parts
        ),
        default=(plain.segments, plain.characters),
    )
    if text and plain.encoding == "ucs2":
        assert best == (counted.segments, counted.characters)


def fill(text: str, basic: frozenset[str], shifted: frozenset[str], single: int, part: int) -> tuple[int, int]:
    """Fill parts one character after the other: (septets, parts), parts 0 where a character is in neither table."""
    sizes = [1 if character in basic else 2 for character in text]
    if not set(text) <= basic | shifted:
        return 0, 0
    if sum(sizes) <= single:
        return sum(sizes), 1
    parts, room = 1, part
    for size in sizes:
        if size > room:
            parts, room = parts + 1, part
        room -= size
    return sum(sizes), parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“Hi” – it’s…", '"Hi" - it\'s...'),
        ("1½ × 2", "11/2 × 2"),
        ("a\u00a0b\u200bc", "a bc"),
        ("e\u0301", "é"),
        ("Ça va, François", "Ça va, François"),
    ],
)
def test_look_alikes_are_replaced_and_letters_are_not(text: str, expected: str) -> None:
    assert expected == replace_look_alikes(text)


def test_text_with_replaced_characters_is_gsm() -> None:
    assert Segments("gsm7", 14, 1) == SMARTLY("“Hi” – it’s…")
    assert count_segments("“Hi” – it’s…").encoding == "ucs2"


def test_every_replacement_is_in_the_alphabet_and_replaces_what_is_not() -> None:
    assert set("".join(SMART.values())) <= DEFAULT | DEFAULT_EXTENSION
    assert not {chr(point) for point in SMART} & (DEFAULT | DEFAULT_EXTENSION)


@given(st.text(max_size=60))
def test_replacing_twice_changes_nothing_more(text: str) -> None:
    once = replace_look_alikes(text)
    assert once == replace_look_alikes(once)


def test_plan_prices_texts_by_its_options(tmp_path: Path) -> None:
    more = "segments: { smart: true, single_shift: [turkish], locking_shift: [turkish] }"
    plan = make_plan(tmp_path, [sms("1", "0.01")], more=more)
    assert Segments("gsm7", 100, 1) == plan.count_segments("ş" * 100)
    price = priced(plan, request("sms", "+14155552671", text="“" + "ş" * 100))
    assert (price.amount_micros, price.encoding, price.characters) == (10_000, "gsm7", 101)
