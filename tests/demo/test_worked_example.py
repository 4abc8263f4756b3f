from __future__ import annotations

from pathlib import Path

from redis.asyncio import Redis

from scripts.worked_example.write import worked_example

PAGE = Path(__file__).resolve().parents[2] / "docs/worked-example.md"


async def test_worked_example_is_what_the_ledger_does(fresh_redis: Redis) -> None:
    """The page holds every number; `python -m scripts.worked_example` writes it anew."""
    assert await worked_example(fresh_redis) == PAGE.read_text(encoding="utf-8")
