from __future__ import annotations

from pathlib import Path

import pytest

from metering.rating import load_catalog
from metering.rating.diff import diff, summarise
from metering.rating.times import BEGINNING_MS, parse_moment
from tests.rating.decks import shipped, sms, voice, write_rates

Rows = list[dict[str, object]]


def changes(directory: Path, old: Rows, new: Rows) -> list[tuple[str, str, int | None, int | None, int]]:
    found = diff(load_catalog(write_rates(directory / "old", old)), load_catalog(write_rates(directory / "new", new)))
    return [
        (
            change.prefix,
            change.kind,
            change.old[0].price_micros if change.old else None,
            change.new[0].price_micros if change.new else None,
            change.from_ms,
        )
        for change in found
    ]


ALWAYS = BEGINNING_MS


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([sms("1", "1")], [sms("1", "1")], []),
        ([sms("1", "1")], [sms("44", "9"), sms("1", "1")], [("+44", "added", None, 9_000_000, ALWAYS)]),
        ([sms("1", "1")], [sms("1", "2")], [("+1", "changed", 1_000_000, 2_000_000, ALWAYS)]),
        ([sms("1", "1"), sms("44", "1")], [sms("1", "1")], [("+44", "removed", 1_000_000, None, ALWAYS)]),
        # Without its row the longer prefix is priced by the shorter one.
        ([sms("1", "1"), sms("1415", "3")], [sms("1", "1")], [("+1415", "changed", 3_000_000, 1_000_000, ALWAYS)]),
        ([sms("1", "1"), sms("1415", "1")], [sms("1", "1")], []),
        ([sms("1", "1")], [sms("1", "1", charge_on="delivered")], [("+1", "changed", 1_000_000, 1_000_000, ALWAYS)]),
        ([sms("1", "1", destination="A")], [sms("1", "1", destination="B")], []),
        (
            [sms("1", "1")],
            [sms("1", "1"), sms("1", "2", effective_from="2027-01-01")],
            [("+1", "changed", 1_000_000, 2_000_000, parse_moment("2027-01-01T00:00:00Z"))],
        ),
        (
            [voice("1", "1")],
            [voice("1", "1"), voice("1", "0.5", days="sat-sun")],
            [("+1", "changed", 1_000_000, 500_000, ALWAYS)],
        ),
    ],
)
def test_change_is_listed_by_destination_and_date(
    tmp_path: Path, old: Rows, new: Rows, expected: list[tuple[str, str, int | None, int | None, int]]
) -> None:
    assert expected == changes(tmp_path, old, new)


def test_change_for_any_sender_is_listed_once(tmp_path: Path) -> None:
    toll_free = sms("1", "5", sender_type="toll_free")
    assert changes(tmp_path, [sms("1", "1"), toll_free], [sms("1", "2"), toll_free]) == [
        ("+1", "changed", 1_000_000, 2_000_000, ALWAYS)
    ]


def test_change_on_a_network_names_it(tmp_path: Path) -> None:
    network = {**sms("", "1"), "mcc_mnc": "310-260"}
    old = load_catalog(write_rates(tmp_path / "old", [network]))
    new = load_catalog(write_rates(tmp_path / "new", [{**network, "price": "2"}]))
    assert [change.mcc_mnc for change in diff(old, new)] == ["310260"]


def test_plan_that_is_new_is_listed_whole(tmp_path: Path) -> None:
    old = load_catalog(write_rates(tmp_path / "old", [sms("1", "1")]))
    new_directory = write_rates(tmp_path / "new", [sms("1", "1")])
    text = (new_directory / "plans/test.yaml").read_text()
    (new_directory / "plans/more.yaml").write_text(text.replace("id: test", "id: more"))
    assert summarise(diff(old, load_catalog(new_directory))) == {"added": 1, "removed": 0, "changed": 0}


def test_change_is_written_for_a_person(tmp_path: Path) -> None:
    old = load_catalog(write_rates(tmp_path / "old", [sms("1", "1", destination="United States")]))
    new = load_catalog(write_rates(tmp_path / "new", [sms("1", "", destination="United States", reject="yes")]))
    assert [str(c) for c in diff(old, new)] == ["test: sms outbound +1 (United States): 1 per segment -> rejected"]


def test_rates_do_not_differ_from_themselves() -> None:
    assert diff(shipped(), load_catalog()) == []
