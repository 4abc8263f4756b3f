"""Which version is in force when: the same for every reader, whatever the order in which it saw the records."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from metering.contracts.rates import LEAD_MS, RatesManifest, part_key
from metering.worker.rates_timeline import BEGINNING_MS, END_MS, Publication, Timeline


def publication(
    version: int, active_from_ms: int, offset: int, published_at_ms: int = 0, parts: int = 1
) -> Publication:
    manifest = RatesManifest(
        version=f"{version:012x}",
        active_from_ms=active_from_ms,
        digest=f"{version:064x}",
        parts=parts,
        packed_bytes=1,
        files_bytes=1,
    )
    return Publication(manifest, published_at_ms, offset)


def timeline_of(publications: Sequence[Publication]) -> Timeline:
    timeline = Timeline()
    for one in publications:
        timeline.add(one)
    return timeline


@pytest.mark.requirement("INF-08")
def test_a_version_is_in_force_from_its_moment_up_to_the_next_ones() -> None:
    first, second = publication(1, 100_000, 0), publication(2, 200_000, 1)
    timeline = timeline_of([first, second])
    expected = {0: None, 99_999: None, 100_000: first, 199_999: first, 200_000: second, 10**15: second}
    assert expected == {clock_ms: timeline.at(clock_ms) for clock_ms in expected}
    spans = {50_000: (BEGINNING_MS, 100_000), 150_000: (100_000, 200_000), 250_000: (200_000, END_MS)}
    assert spans == {clock_ms: timeline.span(clock_ms) for clock_ms in spans}
    assert timeline.after(100_000) == [second]


def test_of_two_for_one_moment_the_later_record_counts() -> None:
    wrong, right = publication(1, 100_000, 5), publication(2, 100_000, 9)
    assert right == timeline_of([wrong, right]).at(100_000)
    assert right == timeline_of([right, wrong]).at(100_000)


@pytest.mark.parametrize(("ahead_ms", "counts"), [(LEAD_MS, True), (LEAD_MS - 1, False), (0, False), (-1, False)])
def test_a_publication_less_than_the_lead_ahead_counts_for_nothing(ahead_ms: int, counts: bool) -> None:
    one = publication(1, 10**12 + ahead_ms, 0, published_at_ms=10**12)
    timeline = Timeline()
    assert counts == timeline.add(one)
    assert (one if counts else None) == timeline.at(10**13)


def test_what_cannot_be_read_leaves_the_version_before_in_force() -> None:
    good, broken, later = publication(1, 100_000, 0), publication(2, 200_000, 1), publication(3, 300_000, 2)
    timeline = timeline_of([good, broken, later])
    timeline.remove(broken)
    timeline.remove(broken)
    assert (good, (100_000, 300_000)) == (timeline.at(250_000), timeline.span(250_000))


def test_parts_are_found_wherever_they_lie_and_none_may_miss() -> None:
    one = publication(7, 100_000, 9, parts=2)
    timeline = Timeline()
    timeline.note_part(part_key(one.manifest.digest, 1), 12)
    assert timeline.part_offsets(one.manifest) is None
    timeline.note_part(part_key(one.manifest.digest, 0), 3)
    timeline.note_part(part_key(one.manifest.digest, 0), 15)
    assert [15, 12] == timeline.part_offsets(one.manifest)


moments = st.integers(60_000, 60_020)


@given(
    st.lists(moments, max_size=8).flatmap(lambda found: st.tuples(st.just(found), st.permutations(range(len(found)))))
)
def test_readers_agree_whatever_the_order_of_their_reading(case: tuple[list[int], list[int]]) -> None:
    active, order = case
    publications = [publication(number, moment, number) for number, moment in enumerate(active)]
    one, other = timeline_of(publications), timeline_of([publications[number] for number in order])
    for clock_ms in range(59_999, 60_022):
        counting = [each for each in publications if each.manifest.active_from_ms <= clock_ms]
        expected = max(counting, key=lambda each: (each.manifest.active_from_ms, each.offset), default=None)
        assert expected == one.at(clock_ms) == other.at(clock_ms)
        assert one.span(clock_ms) == other.span(clock_ms)
        start, end = one.span(clock_ms)
        assert start <= clock_ms < end
