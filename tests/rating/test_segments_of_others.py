"""Our counts against what others have published or answered."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import Segments, count_segments
from metering.rating.national import DEFAULT, DEFAULT_EXTENSION, LOCKING_SHIFT, SINGLE_SHIFT
from metering.rating.plan_file import LockingShift, SegmentOptions, SingleShift
from metering.rating.texts import make_counter, make_pairs
from scripts.segments_record import LIBRARIES, unique_texts, write_out

DATA = Path(__file__).parent / "data"
RECORDED = [json.loads(line) for line in (DATA / "segments_recorded.jsonl").read_text().splitlines()]
ANDROID = json.loads((DATA / "android_vectors.json").read_text())
LOCKING: dict[str, LockingShift] = {"turkish locking": "turkish", "portuguese locking": "portuguese"}
SINGLE: dict[str, SingleShift] = {
    "turkish single": "turkish",
    "spanish single": "spanish",
    "portuguese single": "portuguese",
}


def test_record_holds_the_texts_of_the_script_and_names_the_libraries() -> None:
    assert LIBRARIES == RECORDED[0]["libraries"]
    assert json.loads(json.dumps(unique_texts())) == [record[:2] for record in RECORDED[1:]]
    assert len(RECORDED) > 2000


def test_counts_are_those_of_two_npm_libraries() -> None:
    wrong = []
    reasons: Counter[str] = Counter()
    for kind, runs, calculator, splitter, *judged in RECORDED[1:]:
        counted = count_segments(write_out(runs))
        if judged:
            # They disagree with each other; the record says who keeps to the standard, and why the other does not.
            standard, reason = judged
            reasons[reason.split()[0]] += 1
        else:
            assert calculator == splitter
            standard = calculator
        if [counted.encoding, counted.segments] != standard:
            wrong.append((kind, runs, standard, counted))
    assert wrong == []
    assert {"sms-segments-calculator", "split-sms"} == set(reasons)


def table(name: str) -> frozenset[str]:
    if name in LOCKING:
        return LOCKING_SHIFT[LOCKING[name]]
    return {"default": DEFAULT, "default extension": DEFAULT_EXTENSION}.get(name) or SINGLE_SHIFT[SINGLE[name]]


@pytest.mark.parametrize(("position", "name"), list(enumerate(ANDROID["tables"])))
def test_tables_hold_the_characters_that_android_publishes(position: int, name: str) -> None:
    characters = "".join(group["characters"] for group in ANDROID["classes"])
    expected = "".join(group["characters"] for group in ANDROID["classes"] if group["in"][position])
    assert set(expected) == {character for character in characters if character in table(name)}
    # What a table holds beyond these classes would not be known to Android.
    assert table(name) <= set(characters)


@pytest.mark.parametrize(("encoding", "group"), [("gsm7", 14), ("ucs2", 6)])
def test_lengths_are_counted_as_android_publishes(encoding: str, group: int) -> None:
    characters = itertools.cycle(ANDROID["classes"][group]["characters"])
    for length, parts in ANDROID["lengths"][encoding]:
        text = "".join(itertools.islice(characters, length))
        assert (encoding, length, parts) == (
            (counted := count_segments(text)).encoding, counted.characters, counted.segments
        )  # fmt: skip


def test_headers_take_the_septets_that_android_publishes() -> None:
    septets = ANDROID["header_septets"]
    options = SegmentOptions(single_shift=("turkish",), locking_shift=("turkish",))
    expected = []
    for tables in (0, septets["one table"], septets["one table"], septets["two tables"]):
        header = septets["length"] + tables if tables else 0
        expected.append((160 - header, 160 - max(header, septets["length"]) - septets["concatenation"]))
    assert expected == [(pair.single, pair.part) for pair in make_pairs(options)]


def android_septets(text: str, locking: list[str], single: list[str]) -> int | None:
    """Fewest septets of any enabled pair of tables as Android counts them; None when only UCS-2 is left."""
    groups = {character: group["in"] for group in ANDROID["classes"] for character in group["characters"]}
    places = {name: position for position, name in enumerate(ANDROID["tables"])}
    found = []
    for basic in ["default", *locking]:
        for shifted in ["default extension", *single]:
            sizes = [
                1 if groups[character][places[basic]] else 2 if groups[character][places[shifted]] else None
                for character in text
            ]
            if None not in sizes:
                found.append(sum(size for size in sizes if size))
    return min(found, default=None)


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(ANDROID["classes"]).flatmap(lambda group: st.sampled_from(group["characters"])), max_size=140
    ).map("".join),
    locking=st.lists(st.sampled_from(sorted(LOCKING)), unique=True),
    single=st.lists(st.sampled_from(sorted(SINGLE)), unique=True),
)
def test_short_text_takes_seven_bits_just_where_android_says(text: str, locking: list[str], single: list[str]) -> None:
    options = SegmentOptions(
        single_shift=tuple(SINGLE[name] for name in single), locking_shift=tuple(LOCKING[name] for name in locking)
    )
    counted = make_counter(options)(text)
    septets = android_septets(text, locking, single)
    assert ("ucs2" if septets is None else "gsm7") == counted.encoding
    if septets is None:
        assert Segments("ucs2", len(text), 1 if len(text) <= 70 else -(-len(text) // 67)) == counted
    else:
        assert counted.characters >= septets
