"""Packs a version's files into parts that fit a broker's messages, and unpacks them. Leaves sending them to others."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Mapping, Sequence

import msgspec

from metering.errors import MeteringError

# Half of what brokers take by default (1 MiB), so that no header or setting of a cluster makes it too large.
PART_BYTES_MAX = 512 * 1024
# A deck of 50,000 rows has about 5 MB. What unpacks to more is an error or an attack, not a price list.
FILES_BYTES_MAX = 256 * 1024 * 1024
# The lowest: on a price list it is within 1 % of the highest, at a tenth of the time.
_PRESET = 1


class PackingError(MeteringError):
    """The parts are not the files that were packed."""


class Packed(msgspec.Struct, frozen=True):
    """Files as parts. `digest` is the SHA-256 of the joined parts, `files_bytes` the size of what they hold."""

    digest: str
    parts: tuple[bytes, ...]
    files_bytes: int

    @property
    def packed_bytes(self) -> int:
        """Size of the joined parts."""
        return sum(len(part) for part in self.parts)


def pack_files(files: Mapping[str, bytes], part_bytes_max: int = PART_BYTES_MAX) -> Packed:
    """Pack files, in the order of their names. Raises PackingError where they are too large to be unpacked again."""
    body = msgspec.msgpack.encode({name: files[name] for name in sorted(files)})
    if len(body) > FILES_BYTES_MAX:
        raise PackingError(f"the files have {len(body)} bytes, more than {FILES_BYTES_MAX}")
    packed = lzma.compress(body, preset=_PRESET)
    parts = tuple(packed[start : start + part_bytes_max] for start in range(0, len(packed), part_bytes_max))
    return Packed(hashlib.sha256(packed).hexdigest(), parts, len(body))


def unpack_files(parts: Sequence[bytes], digest: str, files_bytes: int) -> dict[str, bytes]:
    """Return the files that were packed into `parts`. Raises PackingError unless digest and size agree."""
    packed = b"".join(parts)
    if hashlib.sha256(packed).hexdigest() != digest:
        raise PackingError("the parts do not give the manifest's digest")
    if files_bytes > FILES_BYTES_MAX:
        raise PackingError(f"the files would have {files_bytes} bytes, more than {FILES_BYTES_MAX}")
    decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ)
    try:
        body = decompressor.decompress(packed, max_length=files_bytes + 1)
        if len(body) != files_bytes or not decompressor.eof:
            raise PackingError("the files do not have the manifest's size")
        return msgspec.msgpack.decode(body, type=dict[str, bytes])
    except (lzma.LZMAError, msgspec.DecodeError) as error:
        raise PackingError(f"the parts cannot be unpacked: {error}") from error
