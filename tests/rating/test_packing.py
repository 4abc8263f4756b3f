"""Files go into parts and come out the same, or not at all."""

from __future__ import annotations

import hashlib
import lzma

import pytest
from hypothesis import given, strategies as st

from metering.rating import PackingError, load_catalog, load_files, pack_files, shipped_rates, unpack_files
from metering.rating.check import check_tree
from metering.rating.tree import DirectoryTree, FilesTree

files = st.dictionaries(st.text(max_size=20), st.binary(max_size=200), max_size=8)


@given(files, st.integers(1, 64))
def test_files_come_out_as_they_went_in(content: dict[str, bytes], part_bytes_max: int) -> None:
    packed = pack_files(content, part_bytes_max)
    assert all(0 < len(part) <= part_bytes_max for part in packed.parts)
    assert content == unpack_files(packed.parts, packed.digest, packed.files_bytes)
    assert packed == pack_files(dict(reversed(content.items())), part_bytes_max)


@given(files, st.data())
def test_one_changed_byte_a_missing_or_a_swapped_part_is_noticed(
    content: dict[str, bytes], data: st.DataObject
) -> None:
    packed = pack_files(content, 16)
    number = data.draw(st.integers(0, len(packed.parts) - 1))
    part = packed.parts[number]
    place = data.draw(st.integers(0, len(part) - 1))
    changed = part[:place] + bytes([part[place] ^ 1]) + part[place + 1 :]
    for parts in (
        (*packed.parts[:number], changed, *packed.parts[number + 1 :]),
        (*packed.parts[:number], *packed.parts[number + 1 :]),
    ):
        with pytest.raises(PackingError, match="digest"):
            unpack_files(parts, packed.digest, packed.files_bytes)


def test_more_than_the_manifest_says_is_not_unpacked() -> None:
    packed = pack_files({"decks/deck.csv": b"0" * 1_000_000})
    assert packed.packed_bytes < 1_000
    for size in (packed.files_bytes - 1, packed.files_bytes + 1):
        with pytest.raises(PackingError, match="size"):
            unpack_files(packed.parts, packed.digest, size)
    with pytest.raises(PackingError, match="more than"):
        unpack_files(packed.parts, packed.digest, 2**40)


def test_what_is_packed_otherwise_is_refused_with_a_reason() -> None:
    for body in (b"no archive", lzma.compress(b"\xc1"), lzma.compress(b"\x93\x01\x02\x03")):
        packed = pack_files({})
        digest = hashlib.sha256(body).hexdigest()
        with pytest.raises(PackingError):
            unpack_files((body,), digest, packed.files_bytes)


def test_shipped_rates_price_the_same_after_packing() -> None:
    checked = check_tree(DirectoryTree(shipped_rates()))
    packed = pack_files(checked.files)
    catalog = load_files(unpack_files(packed.parts, packed.digest, packed.files_bytes), "the topic")
    assert checked.version == catalog.version == load_catalog().version
    assert len(packed.parts) == 1, "the world deck fits one message"


def test_trees_name_the_same_files() -> None:
    directory = DirectoryTree(shipped_rates())
    memory = FilesTree(check_tree(directory).files, "memory")
    for folder, extension in (("plans", "yaml"), ("decks", "csv"), ("surcharges", "csv")):
        assert directory.names(folder, extension) == memory.names(folder, extension)
    with pytest.raises(FileNotFoundError):
        memory.read("plans/none.yaml")
    with pytest.raises(ValueError, match="outside"):
        directory.read("../pyproject.toml")
