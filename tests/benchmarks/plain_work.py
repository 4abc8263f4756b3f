"""Pieces of plain work of a worker's and of the ledger's kind: what their own is held against.

An empty loop lives in registers and the nearest cache, and a step in what the processor's caches hold of a megabyte:
neighbours on the machine make the one dearer without the other. These read and write JSON or MessagePack, make objects
that stay for a while, count by a key, and pack bytes. They are frozen: changed, every stored reference is of no use.
"""

from __future__ import annotations

import json
import time
import zlib

from redis.asyncio import Redis

from metering.cli.benchmark.calibration import lua_seconds

RECORDS = 200
"""Some 3 ms: before and after each step."""

LUA_RECORDS = 400
_LUA_KEY = "plain-work"
_LUA = """
local kept, sum = {}, 0
for n = 1, tonumber(ARGV[1]) do
  local name = 'customer-' .. (n * 7919 % 1000)
  local stored = redis.call('HGET', KEYS[1], name)
  local row = stored and cmsgpack.unpack(stored) or { name, n, 0, 0, 'USD', { n, 1 } }
  row[3] = row[3] + n
  row[4] = row[4] % 1000 + 1
  kept[n] = { name, cmsgpack.pack(row), struct.pack('<dId', n, row[4], row[3]) }
end
for n = 1, #kept do
  redis.call('HSET', KEYS[1], kept[n][1], kept[n][2])
  sum = sum + #kept[n][3]
end
return sum
"""

_TEXTS = [
    json.dumps(
        {
            "id": f"event-{number}",
            "customer": f"customer-{number * 7919 % 1000}",
            "to": f"+1415555{number:04}",
            "segments": number % 3 + 1,
            "time": f"2026-11-29T10:{number % 60:02}:00Z",
            "tags": {"channel": "sms", "country": "US", "campaign": f"c-{number % 50}"},
        }
    )
    for number in range(RECORDS)
]


def do_plain_work() -> int:
    """Work on all records once; return what it comes to, the same each time."""
    loads, dumps = json.loads, json.dumps
    kept, totals = [], dict[tuple[str, str, str], int]()
    for text in _TEXTS:
        event = loads(text)
        key = (event["customer"], event["tags"]["country"], event["tags"]["channel"])
        totals[key] = totals.get(key, 0) + event["segments"]
        kept.append((key, event, f"{event['id']}-{event['to']}".encode()))
    written = [dumps({"key": key, "of": event, "name": name.decode()}).encode() for key, event, name in kept]
    return zlib.crc32(b"".join(written), sum(totals.values()))


def plain_record_nanoseconds() -> float:
    """Return the CPU time of one record in this thread, in nanoseconds."""
    started = time.thread_time_ns()
    do_plain_work()
    return (time.thread_time_ns() - started) / RECORDS


async def lua_record_seconds(redis: Redis, records: int = LUA_RECORDS) -> float:
    """Return the CPU time of one record in Redis, in seconds. Leaves a small hash there."""
    return await lua_seconds(redis, _LUA, (_LUA_KEY,), records) / records
