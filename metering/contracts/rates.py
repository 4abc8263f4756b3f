"""What stands in the topic `rates`: manifests that put a version in force, and the parts of its files.

Leaves packing files into parts to `rating.packing`, and what is in force when to the worker.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

LEAD_MS = 60_000
"""A version comes into force at least this long after its manifest's log timestamp.

So a worker that has read the topic up to less than this ago cannot have priced anything past a switch it does not know.
"""

MANIFEST_KEY = "manifest/"
PART_KEY = "part/"


class RatesManifest(Struct, frozen=True, kw_only=True):
    """Completes a publication: from `active_from_ms` on, inputs are priced with `version`.

    Under the key `manifest/<version>/<active_from_ms>`. The files lie in `parts` records before it, as bytes under
    `part/<digest>/<number>`: joined, they are the packed files. A manifest whose parts are missing or do not give its
    digest, or that came less than 60 s ahead of `active_from_ms`, counts for nothing.
    """

    format: Literal[1] = 1
    """How the files are packed. A worker that does not know it keeps the version before."""
    version: Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]
    """Hash over every file's name and content; entries carry it as `rates_version`."""
    active_from_ms: Annotated[int, Meta(gt=0, lt=2**53)]
    """The moment of the log, Unix milliseconds, from which a bucket's inputs are priced with it."""
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the joined parts."""
    parts: Annotated[int, Meta(gt=0, le=10_000)]
    """How many there are, numbered from 0."""
    packed_bytes: Annotated[int, Meta(gt=0)]
    """Size of the joined parts."""
    files_bytes: Annotated[int, Meta(gt=0)]
    """Size of what they hold."""


encode_manifest = msgspec.json.Encoder().encode
decode_manifest = msgspec.json.Decoder(RatesManifest).decode


def manifest_key(manifest: RatesManifest) -> bytes:
    """Return the record key of a manifest: the same version at the same moment is the same record."""
    return f"{MANIFEST_KEY}{manifest.version}/{manifest.active_from_ms}".encode()


def part_key(digest: str, number: int) -> bytes:
    """Return the record key of a part: by content, so that a part can only be written over with itself."""
    return f"{PART_KEY}{digest}/{number}".encode()
