"""The partition of a customer is the one that every Kafka client's default partitioner picks."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner, murmur2 as aiokafka_murmur2
from hypothesis import given, strategies as st

from metering.contracts.partitioning import murmur2, partition_of


@pytest.mark.parametrize(
    ("text", "expected"),
    # The values of Kafka's own UtilsTest.testMurmur2.
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_known_text_hashes_as_in_java(text: str, expected: int) -> None:
    assert expected % 2**32 == murmur2(text.encode())


@given(st.binary(max_size=64))
def test_any_bytes_hash_as_in_aiokafka(data: bytes) -> None:
    assert aiokafka_murmur2(data) % 2**32 == murmur2(data)


@given(st.text(min_size=1, max_size=40), st.integers(1, 200))
def test_any_customer_lands_where_aiokafka_sends_it(customer: str, partitions: int) -> None:
    every = list(range(partitions))
    assert DefaultPartitioner()(customer.encode(), every, every) == partition_of(customer, partitions)
