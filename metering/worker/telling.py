"""Turns what Lua answered for a chunk into what is written and counted, in one pass. Leaves sending to `applying`.

An entry in a row of figures becomes two records and is counted without anything in between that lives on: what a chunk
makes is more than a processor's cache holds, so each object that is kept costs twice, when it is made and when it is
freed. All other entries go the general way, by `EntryMade`; tests hold both to the same bytes and counts. Where
compiled steps are used, `native/entries` tells plain entries in place of the loop here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Self

import msgspec

from metering import native
from metering.contracts.entries import Balance, Charge, LotChange, Position
from metering.ledger.chunk import Chunk
from metering.ledger.codes import KindCode, State
from metering.ledger.made import EntryMade, entry_value, make_entry
from metering.ledger.plain_effects import (
    DECISION_WORDS,
    KIND_WORDS,
    MOMENT_WORDS,
    REASON_WORDS,
    STATE_WORDS,
    PlainEffect,
)
from metering.ledger.results import IN_A_ROW, PackedResults, result_of_row
from metering.ledger.rows import CHARGE_ON_AT, RESULT_ROW
from metering.worker.counting import NO_DESTINATION, Counts
from metering.worker.outputs import Output, decision_value, side_outputs
from metering.worker.plain_decisions import PlainDecision
from metering.worker.publishing import Publication

if TYPE_CHECKING:
    from metering.native.rows import Rows
    from metering.native.words import Words

_encode = msgspec.json.Encoder().encode
_HELD, _COMMITTED = State.HELD.value, State.COMMITTED.value
_DUPLICATE = KindCode.DUPLICATE.value


class Told:
    """What entries come to: records of ledger and decisions by columns, side outputs, and counts."""

    __slots__ = ("asked_at", "asked_keys", "changed", "chunk", "counts", "decisions", "keys", "seq", "sides", "values")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.values: list[bytes] = []
        self.asked_keys: list[bytes] = []
        self.decisions: list[bytes] = []
        self.asked_at: dict[int, int] = {}
        """How many decisions there are for each clock: what their latency is counted from."""
        self.sides: list[Output] = []
        self.changed: list[str] = []
        """Customers whose settings are others after it."""
        self.counts = Counts()
        self.seq, self.chunk = 0, ""
        """Of the last entry; 0 where there is none."""

    @classmethod
    def of(cls, entries: Iterable[EntryMade]) -> Self:
        """Return what entries come to that were made before, in their order."""
        told = cls()
        for made in entries:
            told.add(made)
        return told

    def add(self, made: EntryMade) -> None:
        """Add one entry, whatever it is."""
        key = made.carried.customer.encode()
        self.keys.append(key)
        self.values.append(made.value)
        decision = decision_value(made)
        if decision is not None:
            self.asked_keys.append(key)
            self.decisions.append(decision)
            at = made.carried.applied_at_ms
            self.asked_at[at] = self.asked_at.get(at, 0) + 1
        self.sides += side_outputs(made)
        if made.result.extras is not False and made.changes_settings:
            self.changed.append(made.carried.customer)
        self.counts.add(made)
        self.seq, self.chunk = made.seq, made.chunk

    def publication(self, position: Position) -> Publication:
        """Return what is to be published of it; the bucket stands at `position` after it."""
        return Publication(self.keys, self.values, self.sides, position, self.seq, self.chunk)


def tell_results(bucket: int, first_seq: int, chunk_id: str, prev_chunk: str, packed: bytes, chunk: Chunk) -> Told:
    """Return what the entries come to that Lua answered for `chunk`: as `Told.of` its entries made one by one."""
    if chunk.compiled is not None:
        return _tell_compiled(bucket, first_seq, chunk_id, prev_chunk, packed, chunk, chunk.compiled)
    told = Told()
    add_plain = told.counts.add_plain
    keys, values = told.keys, told.values
    asked_keys, decisions, asked_at = told.asked_keys, told.decisions, told.asked_at
    carried, fragments, digests = chunk.carried, chunk.carried_json, chunk.digests
    results = PackedResults(packed)
    marks, rows, names, listed = results.marks, results.rows, results.names, results.others
    buffer, previous = bytearray(), prev_chunk
    for seq, mark in enumerate(marks, first_seq):
        if mark != IN_A_ROW:
            result = next(listed)
            told.add(make_entry(bucket, seq, chunk_id, previous, result, carried, fragments, digests, buffer))
            previous = chunk_id
            continue
        row = next(rows)
        (
            number,
            kind,
            reason,
            decision,
            charge_state,
            wallet_at,
            lot_at,
            sender_at,
            available,
            held,
            wallet_seq,
            amount,
            lot_remaining,
            lot_held,
            held_change,
            fee,
            deadline,
        ) = row
        about = carried[number - 1]
        event = about.event
        if event is None or about.reply_to is not None or kind == _DUPLICATE or reason in NO_DESTINATION:
            result = result_of_row(names, *row)
            told.add(make_entry(bucket, seq, chunk_id, previous, result, carried, fragments, digests, buffer))
            previous = chunk_id
            continue
        wallet, available_after = names[wallet_at], available + amount - held_change
        entry_id, charge_id, customer = f"{bucket}-{seq}", about.charge_id, about.customer
        charge = None
        if charge_state:
            charge_on, state = divmod(charge_state, CHARGE_ON_AT)
            price = abs(held_change) or -amount
            is_held = state == _HELD
            charge = Charge(
                charge_id or "",
                STATE_WORDS[state],  # type: ignore[arg-type]
                wallet,
                price,
                price if is_held else 0,
                price if state == _COMMITTED else 0,
                MOMENT_WORDS[charge_on],  # type: ignore[arg-type]
                fee,
                deadline,
                ((names[lot_at], price),) if is_held else (),
                names[sender_at] or None,
            )
        effect = PlainEffect(
            entry_id,
            bucket,
            seq,
            chunk_id,
            previous,
            KIND_WORDS[kind],
            wallet,
            wallet_seq or None,
            amount,
            held_change,
            Balance(available, held, 0),
            Balance(available_after, held + held_change, 0),
            (LotChange(names[lot_at], amount, held_change, lot_remaining, lot_held),) if lot_at else (),
            charge,
            REASON_WORDS[reason],
            DECISION_WORDS[decision],
        )
        key = customer.encode()
        keys.append(key)
        values.append(entry_value(effect, fragments[number - 1], buffer))
        previous = chunk_id
        if decision:
            at = about.applied_at_ms
            asked_keys.append(key)
            asked_at[at] = asked_at.get(at, 0) + 1
            decisions.append(
                _encode(
                    PlainDecision(
                        digests[number - 1],
                        event.source,
                        event.id,
                        customer,
                        charge_id,
                        DECISION_WORDS[decision],  # type: ignore[arg-type]
                        REASON_WORDS[reason],
                        about.unit,
                        about.price_micros,
                        available_after,
                        (deadline or None) if charge_state else None,
                        entry_id,
                        at,
                    )
                )
            )
        add_plain((event.type, about.channel, about.country, kind, about.unit), amount, held_change)
    if values:
        told.seq, told.chunk = first_seq + len(values) - 1, chunk_id
    return told


@cache
def _words() -> Words:
    """Return the words of entries and decisions for compiled steps, and which entries are not plain."""
    return native.words.Words(
        _encode,
        kinds=KIND_WORDS,
        reasons=REASON_WORDS,
        decisions=dict(enumerate(DECISION_WORDS)),
        states=STATE_WORDS,
        moments=MOMENT_WORDS,
        left_kinds=(_DUPLICATE,),
        left_reasons=NO_DESTINATION,
        codes={"charge_on_at": CHARGE_ON_AT, "held": _HELD, "committed": _COMMITTED, "in_a_row": IN_A_ROW},
    )


def _tell_compiled(
    bucket: int, first_seq: int, chunk_id: str, prev_chunk: str, packed: bytes, chunk: Chunk, inputs: Rows
) -> Told:
    """Do as `tell_results` does: compiled steps tell what is plain, and all else goes the general way."""
    told = Told()
    results = PackedResults(packed)
    marks, entries = results.marks, len(results.marks)
    carried, fragments, digests = chunk.carried, chunk.carried_json, chunk.digests
    teller = native.entries.Teller(
        _words(),
        inputs,
        told,
        bucket=bucket,
        first_seq=first_seq,
        chunk=_encode(chunk_id),
        previous=_encode(prev_chunk),
        packed=packed,
        marks=marks,
        names=results.packed_names,
        row_at=results.rows_at,
    )
    buffer = bytearray()
    while (at := teller.tell()) < entries:
        if marks[at] == IN_A_ROW:
            result = result_of_row(results.names, *RESULT_ROW.unpack_from(packed, teller.row_at))
        else:
            result = next(results.others)
        previous = chunk_id if at else prev_chunk
        told.add(make_entry(bucket, first_seq + at, chunk_id, previous, result, carried, fragments, digests, buffer))
        teller.leave()
    for labels, tally in teller.counted():
        told.counts.add_told(labels, tally)
    if entries:
        told.seq, told.chunk = first_seq + entries - 1, chunk_id
    return told
