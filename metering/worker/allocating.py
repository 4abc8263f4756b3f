"""How the C library keeps the large buffers of a worker. Leaves objects of Python to Python's own allocator.

An answer of the broker is up to 2 MB, held twice for a moment. glibc takes the first such buffer from the kernel and
gives it back; but having seen one, it makes room for the next among the small ones. Entries that wait to be published
then lie between, and what is free there is of no use to anybody.

It also keeps memory by threads: what one has freed, only that one takes again. A worker reads its rates in a thread,
once, and what reading them took lay there for good.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

LARGE_BYTES = 1024 * 1024
"""Buffers from here on come from the kernel and go back to it. Smaller ones are a page fault in every 4 kB dearer than
their work: from 128 kB on, a worker took a fifth more of the processor."""

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


def settle_allocator() -> None:
    """Have large buffers given back when they are free, and all threads take from the same memory.

    To be called before the first buffer and the first thread; does nothing without glibc.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        library.mallopt(_M_ARENA_MAX, 1)


def give_back_free() -> None:
    """Give back what is free between what is in use: after a start, 9 MB that loading modules took for a moment.

    It takes a few milliseconds; does nothing without glibc.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
