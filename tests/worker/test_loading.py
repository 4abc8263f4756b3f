"""What a worker loads: each module stays in its memory for good, and imports are most of what a start takes."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

BARE = "import json, sys; print(json.dumps(sorted(sys.modules)))"
WORKER = """
import json, sys
from metering.cli.app import build_parser
build_parser().parse_args(["worker"])
import metering.observe.logs, metering.settings, metering.worker.app
print(json.dumps(sorted(sys.modules)))
"""
"""What `metering worker` does before it asks for its servers."""

OF_OTHERS = (
    "alembic",
    "metering.checkpoint.service",
    "metering.cli.benchmark",
    "metering.cli.demonstration",
    "metering.drill",
    "metering.embedded",
    "sqlalchemy",
)
"""What other commands need and a worker does not."""


def loaded_by(program: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout))


def installed_with(package: str) -> set[str]:
    """Return the distributions that an installation of `package` brings, its own included."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(package), "")]
    while waiting:
        name, extra = wanted = waiting.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        found.add(name)
        for line in requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += ((canonicalize_name(needed.name), each) for each in ("", *needed.extras))
    return found


def test_worker_loads_no_package_that_an_installation_has_not() -> None:
    """So that a worker is measured at what it takes elsewhere: structlog loads rich wherever it finds it, 4 MB."""
    packages = {name.partition(".")[0] for name in loaded_by(WORKER) - loaded_by(BARE)}
    of_packages = packages_distributions()
    brought = {canonicalize_name(found) for name in packages for found in of_packages.get(name, ())}
    assert "faust-streaming" in brought
    assert brought - installed_with("metering") == set()


def test_worker_loads_nothing_of_what_other_commands_need() -> None:
    loaded = loaded_by(WORKER)
    assert [name for name in OF_OTHERS if name in loaded] == []
