"""What processes have used, from /proc: CPU time with all their children, and memory. Leaves dividing to others."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PARENT = 1
_USER = slice(11, 15)
"""utime, stime, and those of ended and awaited children: cutime, cstime. Fields as after the program's name."""


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all below it so far, kernel time included; 10 ms exact."""
    return _cpu_of([pid, *_descendants(pid)])


def resident_bytes(pid: int) -> int:
    """Return the memory of a process and all below it that is in RAM, shared pages counted in each."""
    return sum(_status_bytes(each, "VmRSS") for each in [pid, *_descendants(pid)])


def peak_bytes(pid: int) -> int:
    """Return the most memory that the process itself has had in RAM."""
    return _status_bytes(pid, "VmHWM")


def _cpu_of(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            ticks += sum(int(field) for field in fields[_USER])
    return ticks / TICKS_PER_SECOND


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[_PARENT]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _stat(pid: int) -> list[str]:
    """Return /proc/PID/stat from the state on; empty when it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _status_bytes(pid: int, name: str) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0
