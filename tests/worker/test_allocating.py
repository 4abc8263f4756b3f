"""Large buffers go back to the system when they are free, even where a small one was made after them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MEGABYTE = 1024 * 1024
PROGRAM = """
import ctypes, json, sys
from metering.worker.allocating import settle_allocator

def mapped():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * 4096

if sys.argv[1] == "settled":
    settle_allocator()
large = bytearray(30 * 2**20)
del large  # by now glibc takes buffers of that size for common
before = mapped()
large = [bytearray(2 * 2**20) for _ in range(20)]
small = [bytes(2_000) for _ in range(20)]
del large
print(json.dumps(mapped() - before))
"""


def growth(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    grown: int = json.loads(done.stdout)
    return grown


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux is what is settled")
def test_large_buffers_are_given_back_whatever_came_after_them() -> None:
    assert growth("settled") < MEGABYTE
    assert growth("as it comes") > 20 * MEGABYTE, "this library gives them back by itself: nothing is to be settled"
