"""The writer's own type of entry against the contract's."""

from __future__ import annotations

import msgspec
import pytest

from metering.checkpoint.entry_rows import COLUMNS, row_of
from metering.checkpoint.records import Block, LedgerRecord, decode_record, has_nul
from metering.contracts.entries import BlockChange, LedgerEntry
from tests.checkpoint.scribe import Scribe, encode


def test_record_has_the_fields_of_the_contract() -> None:
    assert set(LedgerEntry.__struct_fields__) == set(LedgerRecord.__struct_fields__)
    assert BlockChange.__struct_fields__ == Block.__struct_fields__


def test_record_reads_what_the_contract_writes() -> None:
    scribe = Scribe()
    scribe.open("acme", 10)
    entry = scribe.reserve("acme", "m", 3)

    record = decode_record(encode(entry))

    for name in LedgerEntry.__struct_fields__:
        if name not in {"rates", "input"}:
            assert getattr(entry, name) == getattr(record, name), name
    assert entry.rates == msgspec.json.decode(record.rates)
    assert (entry.input.topic, entry.input.offset) == (record.input.topic, record.input.offset)


def test_row_has_a_value_for_each_column() -> None:
    scribe = Scribe()
    scribe.open("acme")

    assert len(COLUMNS) == len(row_of(decode_record(encode(scribe.entries[0]))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", False), ("a\0b", True), ("\\u0000 in words", False), ("tab\t and \\", False)],
)
def test_nul_is_found_in_texts_and_keys_alone(text: str, expected: bool) -> None:
    assert expected is has_nul(msgspec.json.encode({"note": text}))
    assert expected is has_nul(msgspec.json.encode({"lots": [{text: 1}]}))
