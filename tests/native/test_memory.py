"""Compiled steps give back what they take: chunks, plans, and what was left half way."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from tests.native.paths import needs_compiled
from tests.native.test_adding import customer, taken
from tests.native.test_entries import check_told, chunk_of
from tests.worker.records import NOW_MS, usage_event
from tests.worker.test_telling import packed

pytestmark = needs_compiled

ROUNDS = 300
GROWTH_BYTES_MAX = 2 * 2**20
"""Of 12,000 events that is 170 bytes each: less than their objects. The allocator itself grows by a few pages."""

EVENTS: list[tuple[dict[str, Any] | None, int]] = [
    ({"segments": None, "text": f"Hello {n}", "sender": f"s-{n}", "charge_id": f"m-{n}"}, NOW_MS) for n in range(40)
]
LEFT = [usage_event(draft=True), usage_event(text="ñ\n"), usage_event(customer="ñ"), b"{", usage_event()[:-3]]


def meter(answer: bytes) -> None:
    """Take, price, add and tell a chunk, and meet what is left to the general way."""
    chunk, count = chunk_of(EVENTS)
    assert count == len(EVENTS)
    check_told(chunk, answer)
    for value in LEFT:
        taken(value, 0, NOW_MS)


@pytest.mark.timeout(240)
def test_memory_does_not_grow() -> None:
    assert customer().plan is not None
    answer = packed([(13, 0, 1, 0, 1, 2, 0, 9, 0, 1, -5, 4, 0, 0, 0, 0)] * len(EVENTS))
    process = psutil.Process()
    for _ in range(ROUNDS // 3):
        meter(answer)
    before = process.memory_info().rss
    for _ in range(ROUNDS):
        meter(answer)
    assert process.memory_info().rss - before < GROWTH_BYTES_MAX
