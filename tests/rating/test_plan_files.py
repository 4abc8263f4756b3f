from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from metering.rating import RatesError, load_catalog
from metering.rating.plan_reader import parse_plan
from tests.rating.decks import make_plan, sms, write_rates

HEAD = 'id: p\ntitle: P\nunit: USD\nrounding: { mode: up, step: "0.01" }\ndecks: [{ file: d.csv }]\n'


def problems(text: str) -> list[tuple[int, int, str]]:
    return [(problem.line, problem.column, problem.rule) for problem in parse_plan(text.encode(), "p.yaml").problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [(1, 1, "yaml")]),
        ("id: [", [(1, 6, "yaml")]),
        ("- 1", [(1, 1, "wrong_plan")]),
        ("id: p\nid: q\n", [(2, 1, "repeated_key")]),
        (HEAD + "colour: red\n", [(6, 1, "wrong_plan")]),
        (HEAD + "policy:\n  block_scop: all_features\n", [(7, 3, "wrong_plan")]),
        (HEAD + "policy:\n  block_scope: some_features\n", [(7, 3, "wrong_plan")]),
        (HEAD + 'policy: { overdraft_limit: "-1" }\n', [(6, 11, "wrong_plan")]),
        (HEAD + "policy: { overdraft_limit: 1.5 }\n", []),
        (HEAD + 'policy: { overdraft_limit: "10000000000" }\n', [(6, 11, "wrong_plan")]),
        (HEAD + "cycle: weekly\ngrant: { amount: x }\n", [(6, 1, "wrong_plan"), (7, 10, "wrong_plan")]),
        (HEAD + 'alerts:\n  - { level: "5", rearm: "5" }\n', [(7, 19, "wrong_alert")]),
        (HEAD.replace("0.01", "0"), [(4, 23, "wrong_rounding")]),
        (HEAD.replace("mode: up, ", ""), [(4, 1, "wrong_plan")]),
        (HEAD + "segments: { single_shift: [klingon] }\n", [(6, 28, "wrong_plan")]),
        (HEAD + "a: &a [*a]\n", [(6, 4, "yaml")]),
        (HEAD + "? [1]\n: 2\n", [(6, 3, "yaml")]),
    ],
)
def test_problem_of_a_plan_is_reported_where_it_stands(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert expected == problems(text)


TIERS = HEAD + "tiers:\n  - counter: c\n    scope: { channel: sms }\n    mode: graduated\n    steps: "


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ('[{ price: "1" }]', []),
        ('[{ up_to: 10, price: "1" }, { percent: 90 }]', []),
        ('[{ up_to: 10, price: "1" }]', [(10, 5, "wrong_tiers")]),
        ('[{ price: "1" }, { price: "1" }]', [(10, 5, "wrong_tiers")]),
        ('[{ up_to: 10, price: "1" }, { up_to: 10, price: "1" }, { price: "1" }]', [(10, 5, "wrong_tiers")]),
        ('[{ up_to: 10 }, { price: "1", percent: 5 }]', [(10, 13, "wrong_tiers"), (10, 28, "wrong_tiers")]),
        ("[]", [(6, 1, "wrong_plan")]),
    ],
)
def test_tiers_must_rise_and_end_open(steps: str, expected: list[tuple[int, int, str]]) -> None:
    found = problems(TIERS + steps + "\n")
    assert [rule for *_, rule in expected] == [rule for *_, rule in found]
    assert [place[0] for place in expected] == [place[0] for place in found] or expected[0][2] == "wrong_plan"


def test_counter_that_stands_twice_is_an_error() -> None:
    included = "included:\n  - { counter: c, scope: { channel: sms }, quantity: 5 }\n"
    assert problems(TIERS + '[{ price: "1" }]\n' + included) == [(6, 1, "wrong_counter")]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_are_answered_with_problems(content: bytes) -> None:
    parsed = parse_plan(content, "p.yaml")
    assert parsed.plan is None
    assert parsed.problems


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(HEAD) - 1), st.sampled_from("{}[]:,&*!|>'\"\n \tx0-")), max_size=4))
def test_spoilt_plan_is_read_or_answered_with_problems(changes: list[tuple[int, str]]) -> None:
    text = list(HEAD)
    for position, character in changes:
        text[position] = character
    parsed = parse_plan("".join(text).encode(), "p.yaml")
    assert (parsed.plan is None) == bool(parsed.problems)


def test_amount_without_quotes_is_read_without_becoming_a_float(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "1")], more="policy: { overdraft_limit: 0.1 }\ngrant: { amount: 5244 }")
    assert plan.policy.overdraft_limit == "0.1"
    assert plan.file.grant is not None
    assert plan.file.grant.amount == "5244"


def test_table_that_is_missing_is_reported_at_its_name(tmp_path: Path) -> None:
    write_rates(tmp_path, [sms("1", "1")])
    (tmp_path / "decks/deck.csv").unlink()
    with pytest.raises(RatesError, match=r"plans/test.yaml:6:5: error: wrong_table: decks/deck.csv"):
        load_catalog(tmp_path)


@pytest.mark.parametrize("more", ["../secret.csv", "/etc/passwd"])
def test_table_outside_the_directory_is_refused(tmp_path: Path, more: str) -> None:
    write_rates(tmp_path, [sms("1", "1")])
    path = tmp_path / "plans/test.yaml"
    path.write_text(path.read_text().replace("decks/deck.csv", more))
    with pytest.raises(RatesError, match="outside the rates directory"):
        load_catalog(tmp_path)


def test_time_zone_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RatesError, match=r"plans/test.yaml:6:5: error: wrong_table"):
        make_plan(tmp_path, [sms("1", "1")], zone="Mars/Olympus")


def test_id_must_be_the_files_name(tmp_path: Path) -> None:
    write_rates(tmp_path, [sms("1", "1")])
    (tmp_path / "plans/test.yaml").rename(tmp_path / "plans/other.yaml")
    with pytest.raises(RatesError, match=r"plans/other.yaml:1:1: error: wrong_id"):
        load_catalog(tmp_path)


def test_directory_without_plans_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RatesError, match="no_plans"):
        load_catalog(tmp_path)


def test_version_changes_with_any_byte_and_not_with_place(tmp_path: Path) -> None:
    first = load_catalog(write_rates(tmp_path / "a", [sms("1", "0.01")])).version
    assert first == load_catalog(write_rates(tmp_path / "b", [sms("1", "0.01")])).version
    assert first != load_catalog(write_rates(tmp_path / "c", [sms("1", "0.02")])).version
    assert first != load_catalog(write_rates(tmp_path / "d", [sms("1", "0.01")], more="cycle: yearly")).version


def test_hold_times_of_the_plan_replace_the_defaults(tmp_path: Path) -> None:
    plan = make_plan(tmp_path, [sms("1", "1")], more="hold_seconds: { sms: 60 }")
    assert (plan.hold_seconds["sms"], plan.hold_seconds["voice"]) == (60, 14_400)


def test_plan_cannot_be_changed(tmp_path: Path) -> None:
    catalog = load_catalog(write_rates(tmp_path, [sms("1", "1")]))
    with pytest.raises(TypeError):
        catalog.plans["other"] = catalog.plans["test"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        catalog.plans["test"].policy.block_level = "alert_level"  # type: ignore[misc]
    assert isinstance(catalog.plans["test"].policy, msgspec.Struct)
