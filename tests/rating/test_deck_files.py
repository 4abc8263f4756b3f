from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import RatesError, load_catalog
from metering.rating.columns import DECK_COLUMNS, SURCHARGE_COLUMNS
from metering.rating.deck import parse_table
from metering.rating.rows import Source
from metering.rating.table_text import field_column
from tests.rating.decks import DECK_HEADER, SURCHARGE_HEADER, make_plan, sms, voice, write_rates

SOURCE = Source("deck", "0" * 12, "decks/deck.csv", "UTC")
HEADER = "channel,direction,prefix,price,per"


def problems(text: str, kind: str = "deck") -> list[tuple[int, int, str]]:
    table = parse_table(kind, text.encode(), SOURCE, 0)  # type: ignore[arg-type]
    return [(problem.line, problem.column, problem.rule) for problem in table.problems]


def test_headers_of_the_tests_have_every_column() -> None:
    assert list(DECK_COLUMNS) == sorted(DECK_HEADER.split(","), key=list(DECK_COLUMNS).index)
    assert set(SURCHARGE_COLUMNS) == set(SURCHARGE_HEADER.split(","))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, 1, "missing_column")]),
        ("channel,prefix\n", [(1, 1, "missing_column")]),
        (f"{HEADER},colour\n", [(1, 36, "unknown_column")]),
        (f"{HEADER},price\n", [(1, 36, "repeated_column")]),
        (f"{HEADER}\nsms,outbound,1,0.01\n", [(2, 1, "field_count")]),
        (f"{HEADER}\nsms,outbound,1,0.0000001,segment\n", [(2, 16, "wrong_value")]),
        (f'{HEADER}\nsms,outbound,1,"0,01",segment\n', [(2, 16, "wrong_value")]),
        (f"{HEADER}\nsms,outbound,1,-1,segment\n", [(2, 16, "wrong_value")]),
        (f"{HEADER}\nsms,outbound,1,,segment\n", [(2, 16, "no_price")]),
        (f"{HEADER}\nsms,outbound,,1,segment\n", [(2, 14, "no_destination")]),
        (f"{HEADER}\nsms,outbound,01,1,segment\n", [(2, 14, "wrong_value")]),
        (f"{HEADER}\nsms,outbound,1415555123456789,1,segment\n", [(2, 14, "wrong_value")]),
        (f"{HEADER}\nfax,outbound,1,1,segment\n", [(2, 1, "wrong_value")]),
        (f"{HEADER}\nsms,sideways,1,1,segment\n", [(2, 5, "wrong_value")]),
        (f"{HEADER}\nsms,forwarded,1,1,segment\n", [(2, 5, "not_for_channel")]),
        (f"{HEADER}\nsms,outbound,1,1,minute\n", [(2, 18, "wrong_per")]),
        (f"{HEADER}\nvoice,outbound,1,1,segment\n", [(2, 20, "wrong_per")]),
        (f"{HEADER},first\nsms,outbound,1,1,segment,60\n", [(2, 26, "not_for_channel")]),
        (f"{HEADER},first\nvoice,outbound,1,1,minute,0\n", [(2, 27, "wrong_value")]),
        (f"{HEADER},segmenting\nmms,outbound,1,1,message,flat160\n", [(2, 26, "not_for_channel")]),
        (f"{HEADER},conversation_class\nsms,outbound,1,1,segment,free\n", [(2, 26, "not_for_channel")]),
        (f"{HEADER},country\nsms,outbound,1,1,segment,USA\n", [(2, 26, "wrong_value")]),
        (f"{HEADER},mcc_mnc\nsms,outbound,1,1,segment,31-0260\n", [(2, 26, "wrong_value")]),
        (f"{HEADER},sender_type\nsms,outbound,1,1,segment,pigeon\n", [(2, 26, "wrong_value")]),
        (f"{HEADER},charge_on\nsms,outbound,1,1,segment,never\n", [(2, 26, "wrong_value")]),
        (f"{HEADER},reject\nsms,outbound,1,1,segment,maybe\n", [(2, 26, "wrong_value")]),
        (f"{HEADER},days\nsms,outbound,1,1,segment,mo-fr\n", [(2, 26, "wrong_band")]),
        (f"{HEADER},hours\nsms,outbound,1,1,segment,8-20\n", [(2, 26, "wrong_band")]),
        (f"{HEADER},effective_from\nsms,outbound,1,1,segment,yesterday\n", [(2, 26, "wrong_value")]),
        (f"{HEADER},effective_from\nsms,outbound,1,1,segment,2026-01-01T00:00:00\n", [(2, 26, "wrong_value")]),
        (
            f"{HEADER},effective_from,effective_to\nsms,outbound,1,1,segment,2026-02-01,2026-02-01\n",
            [(2, 37, "empty_period")],
        ),
        (f'{HEADER}\n"sms",outbound,"1",x,segment\n', [(2, 20, "wrong_value")]),
        (f'{HEADER}\nsms,outbound,"1,1,segment\n', [(2, 1, "csv")]),
        (f"{HEADER}\n\nsms,outbound,1,x,segment\n", [(3, 16, "wrong_value")]),
        (f"{HEADER}\r\nsms,outbound,1,x,segment\r\n", [(2, 16, "wrong_value")]),
        (
            f"{HEADER}\nsms,outbound,1,x,minute\nfax,outbound,1,1,segment\n",
            [(2, 16, "wrong_value"), (3, 1, "wrong_value")],
        ),
    ],
)
def test_problem_of_a_deck_is_reported_where_it_stands(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert expected == problems(text)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("carrier_fee,voice,1,1,segment", [(2, 13, "wrong_channel"), (2, 23, "wrong_per")]),
        ("parking_fee,sms,1,1,segment", [(2, 1, "wrong_value")]),
        ("number_rental,number,*,1,segment", [(2, 26, "wrong_per")]),
    ],
)
def test_problem_of_a_surcharge_is_reported_where_it_stands(row: str, expected: list[tuple[int, int, str]]) -> None:
    assert expected == problems(f"surcharge,channel,prefix,price,per\n{row}\n", "surcharges")


def test_surcharge_counts_parts_as_the_network_does_unless_it_reprocesses() -> None:
    header = "surcharge,channel,prefix,price,per,segmenting\n"
    assert problems(f"{header}reprocessing,sms,1,1,segment,flat160\n", "surcharges") == []
    assert problems(f"{header}carrier_fee,sms,1,1,segment,flat160\n", "surcharges") == [(2, 29, "not_for_surcharge")]


def test_deck_that_is_not_utf8_is_reported_at_its_line() -> None:
    table = parse_table("deck", HEADER.encode() + b"\nsms,outbound,\xff,1,segment\n", SOURCE, 0)
    assert [(problem.line, problem.rule) for problem in table.problems] == [(2, "encoding")]


@pytest.mark.parametrize(
    "text", [f"\ufeff{HEADER}\nsms,outbound,1,1,segment\n", f"{HEADER}\nsms , outbound, +1 ,1, segment"]
)
def test_byte_order_mark_and_spaces_are_no_problem(text: str) -> None:
    table = parse_table("deck", text.encode(), SOURCE, 0)
    assert (table.problems, [row.prefix for row in table.rows]) == ([], ["+1"])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered_with_problems(content: bytes) -> None:
    table = parse_table("deck", content, SOURCE, 0)
    assert table.problems or table.rows == []
    assert all(problem.line >= 1 and problem.column >= 1 for problem in table.problems)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["", "sms", "1", '"', "x,y", "é", "\n", "outbound"]), max_size=7), max_size=5))
def test_any_fields_are_answered_with_problems(rows: list[list[str]]) -> None:
    text = HEADER + "\n" + "\n".join(",".join(row) for row in rows)
    parse_table("deck", text.encode(), SOURCE, 0)


@pytest.mark.parametrize(
    ("line", "index", "expected"), [("a,b,c", 0, 1), ("a,b,c", 2, 5), ('"a,b",c', 1, 7), ("a,b", 5, 3), ("", 0, 1)]
)
def test_column_of_a_field_is_its_first_character(line: str, index: int, expected: int) -> None:
    assert expected == field_column(line, index)


def test_same_rate_from_the_same_date_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RatesError, match=r"decks/deck.csv:3:1: error: duplicate: .* stands in line 2"):
        make_plan(tmp_path, [sms("1", "0.01"), sms("1", "0.02")])


def test_bands_that_meet_are_an_error_and_others_are_not(tmp_path: Path) -> None:
    day, evening = voice("1", "2", hours="08:00-18:00"), voice("1", "1", hours="18:00-08:00")
    make_plan(tmp_path / "apart", [voice("1", "3"), day, evening])
    with pytest.raises(RatesError, match="duplicate"):
        make_plan(tmp_path / "met", [day, voice("1", "1", hours="17:59-08:00")])


def test_every_problem_of_every_file_is_listed(tmp_path: Path) -> None:
    write_rates(tmp_path, [sms("1", "x"), sms("y", "1")], [{"surcharge": "?", "channel": "sms", "prefix": "1"}])
    with pytest.raises(RatesError) as caught:
        load_catalog(tmp_path)
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [
        ("decks/deck.csv", 2),
        ("decks/deck.csv", 3),
        ("surcharges/fees.csv", 2),
    ]


def test_call_is_charged_when_it_is_over_and_a_text_at_once(tmp_path: Path) -> None:
    rows = make_plan(tmp_path, [sms("1", "1"), voice("1", "1")]).book.rows
    assert {row.terms.channel: row.terms.charge_on for row in rows} == {"sms": "submit", "voice": "delivered"}


def test_rows_know_their_line_and_are_told_apart_over_all_tables(tmp_path: Path) -> None:
    rows = [sms("1", "1", destination='"two\nlines"'), sms("44", "1", destination="one")]
    fees = [{"surcharge": "carrier_fee", "channel": "sms", "prefix": "1", "price": "0.1", "per": "segment"}]

    book = make_plan(tmp_path, rows, fees).book

    assert [(row.terms.source.name, row.line) for row in book.rows] == [("deck", 2), ("deck", 4), ("fees", 2)]
    assert len({row.number for row in book.rows}) == 3


def test_rows_that_differ_in_destination_and_price_share_their_terms(tmp_path: Path) -> None:
    rows = [sms("1", "1"), sms("44", "2", country="GB"), {**sms("", "3"), "mcc_mnc": "23415"}]
    rows.append(sms("91", "1", charge_on="delivered"))

    first, *others = make_plan(tmp_path, rows).book.rows

    assert [row.terms is first.terms for row in others] == [True, True, False]
    assert [(row.prefix, row.mcc_mnc, row.price_micros) for row in others] == [
        ("+44", None, 2_000_000),
        ("", "23415", 3_000_000),
        ("+91", None, 1_000_000),
    ]
