"""Takes each check out, one at a time, and looks whether it is missed: `python -m tests.mutations [NAME…]`.

Prints a table. Exit 1 if a check is not missed by anything. Each runs in a process of its own; the checkout is not
touched.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tests.mutations.catalogue import MUTATIONS

SECONDS_MAX = 600


def main(names: list[str]) -> int:
    """Run those named, all without names."""
    unknown = [name for name in names if name not in MUTATIONS]
    if unknown:
        sys.stderr.write(f"not among {', '.join(MUTATIONS)}: {', '.join(unknown)}\n")
        return 2
    survived = 0
    for name in names or MUTATIONS:
        started = time.monotonic()
        run = subprocess.run(
            [sys.executable, "-m", "tests.mutations.one", name],
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        lines = run.stdout.splitlines()
        noticed = run.returncode == 1 and bool(lines) and lines[-1].startswith("by ")
        survived += not noticed
        how = lines[-1] if lines else run.stderr.strip().splitlines()[-1]
        seconds = time.monotonic() - started
        sys.stdout.write(f"{'missed  ' if noticed else 'SURVIVES'}  {name:24} {seconds:5.1f} s  {how}\n")
        sys.stdout.flush()
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
