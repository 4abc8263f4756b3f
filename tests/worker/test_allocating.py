"""What is free is given back to the system, or taken again by whoever needs it next."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MEGABYTE = 1024 * 1024
BEGINNING = """
import json, sys, threading
from metering.worker.allocating import give_back_free, settle_allocator

def mapped():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * 4096

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "settled":
    settle_allocator()
"""
LARGE_ONES = """
large = bytearray(30 * 2**20)
del large  # by now glibc takes buffers of that size for common
before = mapped()
large = [bytearray(2 * 2**20) for _ in range(20)]
small = [bytes(2_000) for _ in range(20)]
del large
print(json.dumps(mapped() - before))
"""
OF_A_THREAD = """
kept = []

def work():
    for_a_moment = [bytes(2_000) for _ in range(10_000)]
    kept.append(bytes(2_000))

before = resident()
thread = threading.Thread(target=work)
thread.start()
thread.join()
kept += [bytes(2_000) for _ in range(10_000)]
print(json.dumps(resident() - before))
"""
BETWEEN = """
made = [bytes(2_000) for _ in range(10_000)]
last = made[-1]
del made
before = resident()
if sys.argv[1] == "settled":
    give_back_free()
print(json.dumps(resident() - before))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux is what is settled")


def growth(program: str, how: str) -> int:
    done = subprocess.run([sys.executable, "-c", BEGINNING + program, how], capture_output=True, text=True, check=True)
    grown: int = json.loads(done.stdout)
    return grown


def test_large_buffers_are_given_back_whatever_came_after_them() -> None:
    assert growth(LARGE_ONES, "settled") < MEGABYTE
    assert growth(LARGE_ONES, "as it comes") > 20 * MEGABYTE, "this library gives them back by itself"


def test_what_a_thread_has_freed_another_takes_again() -> None:
    assert growth(OF_A_THREAD, "settled") < 25 * MEGABYTE
    assert growth(OF_A_THREAD, "as it comes") > 35 * MEGABYTE, "this library shares it by itself"


def test_what_is_free_between_what_is_in_use_is_given_back() -> None:
    assert growth(BETWEEN, "settled") < -15 * MEGABYTE
    assert growth(BETWEEN, "as it comes") > -MEGABYTE
