"""Builds compiled steps beside their sources: `python -m metering.native.build`, or `make native`.

Needs Cython, setuptools (dependency group `native`), a C compiler and Python's headers. Interrupted, there are none.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

from metering.native.sources import BUILT, FOLDER, modules, source_digest

DIRECTIVES = {"language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True}
"""Arithmetic and indices are C's: every index is checked where it comes in."""

PROCESSES = 2


def build() -> list[Path]:
    """Build all modules; return where they are. Raises what setuptools raises where a compiler is missing or fails."""
    BUILT.unlink(missing_ok=True)
    root = FOLDER.parents[1]
    extensions = [
        Extension(f"metering.native.{path.stem}", [str(path.relative_to(root))], extra_compile_args=["-O2"])
        for path in modules()
    ]
    with tempfile.TemporaryDirectory() as directory:
        options = {"build_dir": directory, "nthreads": PROCESSES, "quiet": True}
        made = cythonize(extensions, compiler_directives=DIRECTIVES, **options)  # type: ignore[no-untyped-call]
        command = build_ext(Distribution({"ext_modules": made}))
        command.build_temp, command.build_lib, command.parallel = directory, str(root), PROCESSES
        command.ensure_finalized()
        command.run()
    BUILT.write_text(source_digest(), encoding="ascii")
    return [Path(command.get_ext_fullpath(extension.name)) for extension in made]


if __name__ == "__main__":
    for built in build():
        sys.stdout.write(f"{built.name}\n")
