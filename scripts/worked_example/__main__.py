"""Writes docs/worked-example.md.

    python -m scripts.worked_example

Everything on the page comes from the real rating and the real ledger on a Valkey started for it.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from redis.asyncio import Redis

from metering.embedded.valkey import ValkeyServer
from scripts.worked_example.write import worked_example

PAGE = Path(__file__).resolve().parents[2] / "docs/worked-example.md"


async def main() -> None:
    """Write the page. Interrupted, the page is as it was."""
    with tempfile.TemporaryDirectory() as directory:
        server = ValkeyServer(Path(directory))
        await server.start()
        try:
            redis = Redis.from_url(server.url)
            text = await worked_example(redis)
            await redis.aclose()
        finally:
            await server.stop()
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
