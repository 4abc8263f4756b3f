"""What compiled steps make of the ledger's records is what the checkpointer's Python makes of them."""

from __future__ import annotations

import gc
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from metering import native
from metering.checkpoint.backlog import Waiting
from metering.checkpoint.batch import Batch
from metering.checkpoint.entry_rows import WIDTHS, row_of_value
from metering.checkpoint.flush_states import CHARGE_WIDTHS, charge_row
from metering.checkpoint.wallet_tails import WalletTail, link_rows
from metering.errors import BrokenInvariant
from metering.ledger.state import BucketPosition
from tests.native.ledger_records import (
    CHARGE,
    DEBITED,
    FURTHER_FIELDS,
    ODD,
    PATHS,
    PLAIN_FIELDS,
    broken_records,
    changed,
    odd_records,
    written,
)
from tests.native.ledger_stories import STORIES
from tests.native.paths import needs_compiled

pytestmark = needs_compiled

BASE = BucketPosition(seq=7, chunk="c1", usage=3, commands=5, clock_ms=1, timers_run=2)


def copied(rows: Iterable[Sequence[Any]], widths: bytes) -> bytes:
    """Rows in the binary format of COPY, as its documentation has it."""
    parts = [b"PGCOPY\n\xff\r\n\0", struct.pack(">ii", 0, 0)]
    for row in rows:
        assert len(row) == len(widths)
        parts.append(struct.pack(">h", len(row)))
        for value, width in zip(row, widths, strict=True):
            if value is None:
                parts.append(struct.pack(">i", -1))
                continue
            if isinstance(value, bool):
                raw = struct.pack(">?", value)
            elif isinstance(value, int):
                try:
                    raw = value.to_bytes(width, "big", signed=True)
                except OverflowError as error:
                    raise OverflowError("too great") from error
            else:
                raw = value.encode() if isinstance(value, str) else value
            parts += [struct.pack(">i", len(raw)), raw]
    return b"".join([*parts, struct.pack(">h", -1)])


def tails_of(batch: Batch) -> dict[tuple[str, str], WalletTail]:
    """The ends of the wallets that a batch has come to: as `DEBITED` finds its own, and empty where they are opened."""
    tails = {key: WalletTail("EUR", 4, (100, 0, 0), b"h" * 32) for key in batch.take_wallets()}
    return tails | {key: WalletTail(opened.unit, 0, (0, 0, 0), b"") for key, opened in batch.wallets_opened.items()}


def outcome(values: Iterable[bytes], *, is_on: bool, slices: int = 1) -> dict[str, Any]:
    """All that becomes of records, in slices of a flush: what goes out, what is kept, or how it is refused."""
    records = [Waiting(40 + n, value) for n, value in enumerate(values)]
    with native.forced(is_on=is_on):
        batch = Batch(3, BASE)
    sent: list[bytes] = []
    tails: dict[tuple[str, str], WalletTail] = {}
    size = max(1, -(-len(records) // slices))
    try:
        for first in range(0, len(records), size):
            batch.take_all(records[first : first + size])
            rows = batch.take_rows()
            tails = tails_of(batch) | tails
            if batch.sheet is not None:
                sent.append(batch.sheet.copy(rows, tails, link_rows, row_of_value, WIDTHS))
            else:
                link_rows(rows, tails)
                sent.append(copied(rows, WIDTHS))
        named = [(*charge_row(key, after), 3) for key, after in batch.charges.items()]
        if batch.sheet is not None:
            charges = native.charges.copy_charges([*batch.charges], batch.charges, 3, charge_row, CHARGE_WIDTHS)
        else:
            charges = copied(named, CHARGE_WIDTHS)
    except OverflowError:
        return {"refused": OverflowError}
    except (BrokenInvariant, UnicodeError, TypeError) as error:
        return {"refused": (type(error), str(error))}
    return {
        "sent": sent,
        "charges": charges,
        "charge rows": named,
        "older charges": batch.charges_older,
        "recipients": batch.recipients,
        "lots": {key: (lot.remaining_micros, lot.held_micros) for key, lot in batch.lots.items()},
        "made": (batch.lots_made, batch.expiries, batch.topped_up, batch.wallets_opened, batch.rules, batch.blocks),
        "wallets": batch.wallets,
        "days": batch.days,
        "denials": batch.denials.rows(3),
        "dropped": batch.dropped,
        "entries": batch.entries,
        "at": (batch.head, batch.ledger_offset_next),
        "tails": tails,
    }


def check_same(values: Sequence[bytes], slices: int = 1) -> dict[str, Any]:
    found = outcome(values, is_on=True, slices=slices)
    assert outcome(values, is_on=False, slices=slices) == found
    return found


def is_plain(value: bytes) -> bool:
    with native.forced(is_on=True):
        sheet = Batch(3, BASE).sheet
    assert sheet is not None
    return sheet.take([Waiting(0, value)], 0, 0) == 1


@pytest.mark.parametrize("more", [{}, *({name: value} for name, value in PLAIN_FIELDS.items())], ids=str)
def test_usual_entry_is_written_by_compiled_steps_alone(more: dict[str, Any]) -> None:
    value = written(DEBITED | more)

    assert is_plain(value)
    assert check_same([value])["entries"] == 1


@pytest.mark.parametrize("more", [{name: value} for name, value in FURTHER_FIELDS.items()], ids=str)
def test_entry_that_tells_more_goes_the_general_way(more: dict[str, Any]) -> None:
    value = written(DEBITED | more)

    assert not is_plain(value)
    assert check_same([value])["entries"] == 1


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_value_in_any_place_comes_to_the_same(odd: object) -> None:
    whole = DEBITED | PLAIN_FIELDS
    for path in PATHS:
        check_same([written(changed(whole, path, odd))])


@pytest.mark.parametrize("name", [*DEBITED])
def test_entry_without_a_field_comes_to_the_same(name: str) -> None:
    check_same([written({field: value for field, value in DEBITED.items() if field != name})])


@settings(max_examples=400, deadline=None)
@given(odd_records())
def test_odd_record_comes_to_the_same(value: bytes) -> None:
    check_same([value])


@settings(max_examples=400, deadline=None)
@given(broken_records())
@example(b"")
@example(b"null")
def test_broken_record_comes_to_the_same(value: bytes) -> None:
    check_same([value])


def test_every_cut_of_an_entry_is_dropped() -> None:
    value = written(DEBITED)
    for length in range(len(value)):
        assert check_same([value[:length]])["entries"] == 0


@settings(max_examples=150, deadline=None)
@given(STORIES, st.integers(1, 3))
def test_entries_of_all_kinds_in_a_row_come_to_the_same(values: list[bytes], slices: int) -> None:
    assert check_same(values, slices)["entries"] > 0


def next_of(fields: dict[str, Any], seq: int, **more: Any) -> bytes:
    """An entry that follows on the one before it, and moves no balance."""
    left = {name: value for name, value in fields.items() if name not in ("wallet_seq", "lots", "charge")}
    return written(left | {"id": f"3-{seq}", "seq": seq, "prev_chunk": "c2" if seq > 8 else "c1"} | more)


def test_timer_effects_at_one_position_are_counted() -> None:
    due = [next_of(DEBITED, seq, due_at_ms=5, kind="expired") for seq in (8, 9, 10)]
    further = next_of(DEBITED, 11, due_at_ms=5, kind="expired", position={"usage": 5, "commands": 5})

    assert check_same(due)["at"][0].timers_run == 3
    assert check_same([*due, further])["at"][0].timers_run == 1
    assert check_same([*due, next_of(DEBITED, 11)])["at"][0].timers_run == 0
    assert all(map(is_plain, due[:1]))


@pytest.mark.parametrize("kind", ["reserved", "denied", "noted"])
def test_charge_that_begins_anew_has_the_recipients_of_its_new_beginning(kind: str) -> None:
    several = next_of(DEBITED, 8, kind="reserved", charge=CHARGE | {"recipients": {"+1": 5}})
    again = next_of(DEBITED, 9, kind=kind, charge=CHARGE)

    found = check_same([several, again])

    assert found["recipients"] == {}
    assert found["charge rows"][0][12] is False


def test_row_that_has_not_a_value_for_each_column_is_refused() -> None:
    def row_of(*_: object) -> list[int]:
        return [1, 2]

    assert native.charges.copy_charges([("a", "b")], {("a", "b"): None}, 3, row_of, bytes([8, 8, 4])) == copied(
        [[1, 2, 3]], bytes([8, 8, 4])
    )
    for widths in (b"\x08\x08", b"\x08" * 4):
        with pytest.raises(ValueError, match="a row of 3 values"):
            native.charges.copy_charges([("a", "b")], {("a", "b"): None}, 3, row_of, widths)


@pytest.mark.parametrize(
    ("number", "width"), [(2**15, 2), (-(2**15) - 1, 2), (2**31, 4), (-(2**31) - 1, 4), (2**63, 8)]
)
def test_number_that_does_not_fit_its_column_is_refused(number: int, width: int) -> None:
    def copy_one(number: int) -> bytes:
        charges: dict[tuple[str, str], Any] = {("a", "b"): number}
        return native.charges.copy_charges([*charges], charges, 3, lambda _, one: [one], bytes([width, 4]))

    fits = number - 1 if number > 0 else number + 1
    assert copy_one(fits) == copied([[fits, 3]], bytes([width, 4]))
    with pytest.raises(OverflowError):
        copy_one(number)


def test_rows_that_are_nobodys_are_freed_without_the_garbage_collector() -> None:
    value = written(DEBITED)
    outcome([value], is_on=True)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            outcome([value], is_on=True)
        assert gc.collect() == 0
    finally:
        gc.enable()
