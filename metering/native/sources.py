"""The sources of compiled steps, and what they were built from. Leaves building them to `build`."""

from __future__ import annotations

import sysconfig
from hashlib import blake2b
from pathlib import Path

FOLDER = Path(__file__).parent

BUILT = FOLDER / "built.txt"
"""Written when all are built: the digest of what they were built from."""


def modules() -> list[Path]:
    """Return the source of each compiled module."""
    return sorted(FOLDER.glob("*.pyx"))


def source_digest() -> str:
    """Return a digest of all sources and of which Python they are built for: modules of others are not used."""
    digest = blake2b(str(sysconfig.get_config_var("EXT_SUFFIX")).encode(), digest_size=16)
    for path in [*modules(), *sorted(FOLDER.glob("*.pxd"))]:
        digest.update(b"\0".join((path.name.encode(), path.read_bytes(), b"")))
    return digest.hexdigest()
