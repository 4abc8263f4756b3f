from __future__ import annotations

from pathlib import Path

import pytest

from metering.rating import shipped_rates
from metering.rating.check import check_rates
from tests.rating.decks import DECK_HEADER, sms, voice, write_rates, write_table

Found = list[tuple[str, int, int, str, str]]
PREFIX, PRICE = 15, 22  # where these fields begin in the rows that `us` writes


def us(prefix: str, price: str = "0.01", **more: object) -> dict[str, object]:
    return sms(prefix, price, **{"country": "US", **more})


def check_rows(directory: Path, rows: list[dict[str, object]], **more: int) -> Found:
    problems = check_rates(write_rates(directory, rows), **more)
    return [(problem.file, problem.line, problem.column, problem.rule, problem.severity) for problem in problems]


def rules(directory: Path, rows: list[dict[str, object]], **more: int) -> list[tuple[int, str]]:
    return [(line, rule) for _, line, _, rule, _ in check_rows(directory, rows, **more)]


def test_rates_in_order_have_no_problem(tmp_path: Path) -> None:
    rows = [us("1"), us("1", effective_from="2026-01-01"), us("1415", "0.02"), voice("44", "0.02", country="GB")]
    assert check_rows(tmp_path, rows) == []


def test_duplicate_is_an_error_at_its_prefix(tmp_path: Path) -> None:
    assert check_rows(tmp_path, [us("1"), us("1", "0.011")]) == [("decks/deck.csv", 3, PREFIX, "duplicate", "error")]


def test_duplicate_across_two_decks_names_the_other_file(tmp_path: Path) -> None:
    write_rates(tmp_path, [us("1")])
    (tmp_path / "decks/more.csv").write_text(write_table(DECK_HEADER, [us("44"), us("1")]))
    path = tmp_path / "plans/test.yaml"
    path.write_text(path.read_text().replace("surcharges:", "  - { file: decks/more.csv }\nsurcharges:"))
    problem = next(problem for problem in check_rates(tmp_path) if problem.rule == "duplicate")
    assert (problem.file, problem.line, problem.column) == ("decks/more.csv", 3, PREFIX)
    assert "decks/deck.csv:2" in problem.message


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([us("1", effective_to="2026-01-01"), us("1", effective_from="2026-02-01")], [(3, "gap")]),
        ([us("1", effective_to="2026-01-01"), us("1", effective_from="2026-01-01")], []),
        ([us("1", effective_to="2026-02-01"), us("1", effective_from="2026-01-01")], [(3, "overlap")]),
        ([us("1", effective_to="2026-02-01")], [(2, "ends")]),
        ([us("1"), us("1", "0.015", effective_from="2026-01-01")], []),
        ([us("1"), us("1", "0.0151", effective_from="2026-01-01")], [(3, "moved")]),
        ([us("1"), us("1", "0.0049", effective_from="2026-01-01")], [(3, "moved")]),
        ([us("1"), us("1", "", reject="yes", effective_from="2026-01-01")], []),
        ([us("1", country="XX")], [(2, "unknown_country")]),
        ([us("44")], [(2, "wrong_country")]),
        ([us("210")], [(2, "unknown_prefix")]),
        ([us("1", "0")], [(2, "zero_price")]),
        ([us("1", "0", direction="inbound")], []),
        ([voice("1", "0", country="US", connect_fee="0.1")], []),
        ([us("12"), *(us(f"12{digit}") for digit in range(10))], [(2, "shadowed")]),
        ([us("12"), *(us(f"12{digit}") for digit in range(9))], []),
        ([us("12"), *(us(f"12{digit}", effective_to="2030-01-01") for digit in range(10))][:11],
         [(line, "ends") for line in range(3, 13)]),
        ([us("12"), *(us(f"12{digit}", sender_type="toll_free") for digit in range(10))], []),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant_is_a_warning(
    tmp_path: Path, rows: list[dict[str, object]], expected: list[tuple[int, str]]
) -> None:
    assert expected == rules(tmp_path, rows)


def test_prefix_shadowed_through_two_levels_is_found(tmp_path: Path) -> None:
    rows = [us("12"), *(us(f"12{digit}") for digit in range(9)), *(us(f"129{digit}") for digit in range(10))]
    assert rules(tmp_path, rows) == [(2, "shadowed")]


def test_row_for_any_number_is_shadowed_by_nine_first_digits(tmp_path: Path) -> None:
    rows = [us("*"), *(sms(str(digit), "0.01") for digit in range(1, 10))]
    assert rules(tmp_path, rows) == [(2, "shadowed")]


def test_warning_stands_at_its_field(tmp_path: Path) -> None:
    rows = [us("1"), us("1", "0.02", effective_from="2026-01-01"), us("49")]
    assert [(line, column, rule) for _, line, column, rule, _ in check_rows(tmp_path, rows)] == [
        (3, PRICE, "moved"),
        (4, 20, "wrong_country"),
    ]


def test_how_far_a_price_may_move_is_the_callers_choice(tmp_path: Path) -> None:
    rows = [us("1"), us("1", "0.0103", effective_from="2026-01-01")]
    assert rules(tmp_path, rows, moved_percent=2) == [(3, "moved")]


def test_table_that_no_plan_names_is_a_warning(tmp_path: Path) -> None:
    write_rates(tmp_path, [us("1")])
    (tmp_path / "decks/spare.csv").write_text(DECK_HEADER + "\n")
    assert [(found.file, found.rule) for found in check_rates(tmp_path)] == [("decks/spare.csv", "unused_table")]


def test_one_table_alone_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "deck.csv"
    path.write_text(write_table(DECK_HEADER, [us("1"), us("1")]))
    assert [(found.file, found.line, found.rule) for found in check_rates(path)] == [("deck.csv", 3, "duplicate")]
    fees = tmp_path / "fees.csv"
    fees.write_text("surcharge,channel,prefix,price,per\ncarrier_fee,sms,1,x,segment\n")
    assert [(found.file, found.line, found.rule) for found in check_rates(fees)] == [("fees.csv", 2, "wrong_value")]


def test_one_plan_alone_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("id: p\ncolour: red\n")
    assert {"wrong_plan"} == {found.rule for found in check_rates(path)}


def test_problem_is_written_as_editors_read_it(tmp_path: Path) -> None:
    problem = check_rates(write_rates(tmp_path, [us("1"), us("1")]))[0]
    assert f"decks/deck.csv:3:{PREFIX}: error: duplicate: " in str(problem)


def test_shipped_rates_are_checked_by_default() -> None:
    assert check_rates() == check_rates(shipped_rates()) == []
