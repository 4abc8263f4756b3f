"""How the C library keeps the large buffers of a worker. Leaves objects of Python to Python's own allocator.

An answer of the broker is up to 2 MB, held twice for a moment. glibc takes the first such buffer from the kernel and
gives it back; but having seen one, it makes room for the next among the small ones. Entries that wait to be published
then lie between, and what is free there is of no use to anybody.
"""

from __future__ import annotations

import ctypes

LARGE_BYTES = 1024 * 1024
"""Buffers from here on come from the kernel and go back to it. Smaller ones are a page fault in every 4 kB dearer than
their work: from 128 kB on, a worker took a fifth more of the processor."""

_M_MMAP_THRESHOLD = -3


def settle_allocator() -> None:
    """Have large buffers given back when they are free. To be called before the first; does nothing without glibc."""
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
    except (AttributeError, OSError):
        return
