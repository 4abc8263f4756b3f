"""Run a stack and say what it started; a program of its own, because the tests end it in rude ways."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from metering.embedded.server import ServerFailed
from metering.embedded.stack import Stack


async def main(directory: Path) -> None:
    async with Stack(directory=directory) as stack:
        described = {server.name: {"pid": server.pid, "work": str(server.work_path)} for server in stack.servers}
        print(json.dumps({"servers": described, "settings": stack.settings()}), flush=True)  # noqa: T201  the tests read it
        await stack.wait_until_told_to_stop()


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1])))
    except ServerFailed as failure:
        sys.exit(str(failure))
