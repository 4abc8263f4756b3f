"""What the state of the buckets takes in Redis, by kind of key. Leaves what is in them to the ledger."""

from __future__ import annotations

from msgspec import Struct
from redis.asyncio import Redis

_COUNTS = {b"hash": "HLEN", b"list": "LLEN", b"set": "SCARD", b"zset": "ZCARD", b"string": "STRLEN", b"stream": "XLEN"}
KINDS_MAX = 20


class KeyKind(Struct, frozen=True):
    """All keys of one kind, over all buckets."""

    kind: str
    """What follows the hash tag, slots without their number."""
    keys: int
    elements: int
    bytes: int

    @property
    def bytes_each(self) -> float:
        """Bytes for an element, the keys' own share included."""
        return self.bytes / self.elements if self.elements else 0.0


async def measure_keys(redis: Redis) -> list[KeyKind]:
    """Return what each kind of key takes, the largest first; every element is looked at, so only on a quiet Redis."""
    found: dict[str, list[int]] = {}
    async for key in redis.scan_iter(count=1_000):
        kind = key.decode().split(":")[1]
        pipe = redis.pipeline(transaction=False)
        pipe.type(key)
        pipe.memory_usage(key, samples=0)
        key_type, size = await pipe.execute()
        elements = await redis.execute_command(_COUNTS[key_type], key)  # type: ignore[no-untyped-call]
        sums = found.setdefault(kind, [0, 0, 0])
        for place, value in enumerate((1, int(elements), int(size or 0))):
            sums[place] += value
    kinds = [KeyKind(kind, *sums) for kind, sums in found.items()]
    return sorted(kinds, key=lambda each: -each.bytes)[:KINDS_MAX]


async def used_bytes(redis: Redis) -> int:
    """Return what the server has allocated for data and itself."""
    return int((await redis.info("memory"))["used_memory"])
