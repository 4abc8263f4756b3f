from __future__ import annotations

from hypothesis import assume, given, settings, strategies as st

from metering.rating.groups import find_ties, group_rates
from metering.rating.index import Index
from metering.rating.rows import Row, specificity
from metering.rating.times import BEGINNING_MS, END_MS, parse_band
from tests.rating.decks import NOON_MS, make_row

# Few digits and few values, so that random rows meet: prefixes of prefixes, equal dates, overlapping bands.
digits = st.text("123", min_size=0, max_size=5)
numbers = st.text("123", min_size=5, max_size=8).map("+{}".format)
networks = st.sampled_from([None, "310", "310260", "310410", "23415"])
senders = st.sampled_from([None, "long_code", "toll_free"])
classes = st.sampled_from([None, "free", "user_initiated"])
DAY_MS = 86_400_000
dates = st.sampled_from([BEGINNING_MS, NOON_MS - DAY_MS, NOON_MS, NOON_MS + DAY_MS, END_MS])
bands = st.sampled_from(
    [None, None, None, parse_band("mon-fri", "", "UTC"), parse_band("", "08:00-20:00", "Asia/Kolkata"),
     parse_band("sat-sun", "22:00-06:00", "America/New_York")]
)  # fmt: skip
instants = st.integers(NOON_MS - 3 * DAY_MS, NOON_MS + 3 * DAY_MS)


@st.composite
def decks(draw: st.DrawFn) -> list[Row]:
    rows = []
    for number in range(draw(st.integers(0, 25))):
        from_ms, to_ms = sorted((draw(dates), draw(dates)))
        if from_ms in (to_ms, END_MS):
            continue
        prefix = draw(digits)
        rows.append(
            make_row(
                number,
                prefix=f"+{prefix}" if prefix else "",
                mcc_mnc=draw(networks),
                sender_type=draw(senders),
                conversation_class=draw(classes),
                band=draw(bands),
                from_ms=from_ms,
                to_ms=to_ms,
            )
        )
    return rows


def scan(
    rows: list[Row], to: str, at_ms: int, sender_type: str | None, mcc_mnc: str | None, named: str | None
) -> Row | None:
    """Look at every row: the rule as it is written, without any index."""
    matching = [
        row
        for row in rows
        if to.startswith(row.prefix)
        and (row.mcc_mnc is None or (mcc_mnc is not None and row.mcc_mnc in (mcc_mnc, mcc_mnc[:3])))
        and row.terms.sender_type in (None, sender_type)
        and row.terms.conversation_class in (None, named)
        and row.terms.from_ms <= at_ms < row.terms.to_ms
        and (row.terms.band is None or row.terms.band.covers(at_ms))
    ]
    return max(matching, key=specificity, default=None)


@settings(max_examples=250, deadline=None)
@given(
    rows=decks(),
    asked=st.lists(st.tuples(numbers, instants, senders, networks, classes), min_size=1, max_size=12),
)
def test_index_finds_the_row_that_a_scan_of_all_rows_finds(
    rows: list[Row], asked: list[tuple[str, int, str | None, str | None, str | None]]
) -> None:
    assume(not list(find_ties(group_rates(rows))))
    index = Index(rows)
    for to, at_ms, sender_type, mcc_mnc, named in asked:
        expected = scan(rows, to, at_ms, sender_type, mcc_mnc, named)
        assert expected is index.find(to, at_ms, sender_type, mcc_mnc, named)


@settings(max_examples=300, deadline=None)
@given(rows=decks(), to=numbers, at_ms=instants, sender=senders, network=networks, named=classes)
def test_rows_without_ties_never_leave_two_best(
    rows: list[Row], to: str, at_ms: int, sender: str | None, network: str | None, named: str | None
) -> None:
    assume(not list(find_ties(group_rates(rows))))
    best = scan(rows, to, at_ms, sender, network, named)
    others = [row for row in rows if row is not best]
    second = scan(others, to, at_ms, sender, network, named)
    assert best is None or second is None or specificity(best) > specificity(second)


def find(rows: list[Row], to: str = "+14155551234", at_ms: int = NOON_MS, **more: str) -> int | None:
    row = Index(rows).find(to, at_ms, more.get("sender"), more.get("network"), more.get("named"))
    return None if row is None else row.number


def test_longer_prefix_wins_over_named_sender() -> None:
    rows = [make_row(1, prefix="+1415"), make_row(2, prefix="+1", sender_type="toll_free")]
    assert find(rows, sender="toll_free") == 1


def test_named_sender_wins_over_any_at_the_same_prefix() -> None:
    rows = [make_row(1), make_row(2, sender_type="toll_free")]
    assert find(rows, sender="toll_free") == 2
    assert find(rows, sender="short_code") == 1
    assert find(rows) == 1


def test_network_wins_over_the_longest_prefix() -> None:
    rows = [make_row(1, prefix="+14155551234"), make_row(2, prefix="", mcc_mnc="310")]
    assert find(rows, network="310260") == 2
    assert find(rows, network="23415") == 1


def test_network_with_prefix_needs_both() -> None:
    rows = [make_row(1, prefix="+1"), make_row(2, prefix="+1212", mcc_mnc="310260")]
    assert find(rows, network="310260") == 1
    assert find(rows, to="+12125551234", network="310260") == 2


def test_row_not_yet_in_force_leaves_the_shorter_prefix() -> None:
    rows = [make_row(1), make_row(2, prefix="+1415", from_ms=NOON_MS)]
    assert find(rows, at_ms=NOON_MS - 1) == 1
    assert find(rows, at_ms=NOON_MS) == 2


def test_row_that_has_ended_leaves_the_shorter_prefix() -> None:
    rows = [make_row(1), make_row(2, prefix="+1415", to_ms=NOON_MS)]
    assert find(rows, at_ms=NOON_MS - 1) == 2
    assert find(rows, at_ms=NOON_MS) == 1


def test_latest_effective_date_wins_while_both_are_open() -> None:
    rows = [make_row(1), make_row(2, from_ms=NOON_MS - DAY_MS), make_row(3, from_ms=NOON_MS)]
    assert find(rows, at_ms=NOON_MS - DAY_MS - 1) == 1
    assert find(rows, at_ms=NOON_MS - 1) == 2
    assert find(rows) == 3


def test_earlier_row_comes_back_when_the_later_one_has_ended() -> None:
    rows = [make_row(1), make_row(2, from_ms=NOON_MS - DAY_MS, to_ms=NOON_MS)]
    assert find(rows, at_ms=NOON_MS - 1) == 2
    assert find(rows) == 1


def test_time_band_wins_over_a_later_date_without_band() -> None:
    rows = [make_row(1, from_ms=NOON_MS - DAY_MS), make_row(2, band=parse_band("mon", "", "UTC"))]
    assert find(rows) == 2
    assert find(rows, at_ms=NOON_MS + DAY_MS) == 1


def test_any_number_row_is_the_last_resort() -> None:
    rows = [make_row(1, prefix=""), make_row(2, prefix="+44")]
    assert find(rows) == 1
    assert find(rows, to="+447400123456") == 2


def test_tables_of_all_sender_types_share_the_cells_that_no_sender_type_changes() -> None:
    index = Index([make_row(1), make_row(2, prefix="+44"), make_row(3, prefix="+44", sender_type="toll_free")])
    plain, toll_free = index.table(None).cells, index.table("toll_free").cells
    assert plain.cell("+1") is toll_free.cell("+1")
    for cells, expected in ((plain, [2]), (toll_free, [3, 2])):
        cell = cells.cell("+44")
        assert cell is not None
        assert [row.number for row in cell.rows] == expected


def test_cell_is_made_when_a_number_first_meets_it_and_kept() -> None:
    rows = [make_row(1), make_row(2, prefix="+44"), make_row(3, prefix="+44", from_ms=NOON_MS)]
    cells = Index(rows).table(None).cells
    assert (cells["+1"], cells["+44"]) == (rows[0], (rows[1], rows[2]))
    made = cells.cell("+44")
    assert made is not None
    assert made.rows == (rows[2], rows[1])
    assert cells.cell("+44") is made
    assert cells["+1"] is rows[0]
    assert (cells.cell("+4"), "+4" in cells) == (None, False)
    assert [cells.rows(key) for key in cells] == [(rows[0],), (rows[2], rows[1])]


def test_spans_are_cut_when_a_number_first_meets_them() -> None:
    rows = [make_row(1), make_row(2, from_ms=NOON_MS), make_row(3, prefix="+44")]
    index = Index(rows)
    assert index.find("+14155551234", NOON_MS, None, None) is rows[1]
    cells = index.table(None).cells
    met, other = cells.cell("+1"), cells.cell("+44")
    assert met is not None
    assert met.spans is not None
    assert [(span.from_ms, span.to_ms, span.row and span.row.number) for span in met.spans] == [
        (BEGINNING_MS, NOON_MS, 1),
        (NOON_MS, END_MS, 2),
    ]
    assert other is not None
    assert other.spans is None
