"""`metering rates list` and `fetch`: what lies in the topic `rates`. Leaves reading it to the worker's reader."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from msgspec import Struct

from metering.cli.output import format_table, print_json
from metering.cli.rates_sources import find_published, open_rates
from metering.cli.running import run_async
from metering.errors import Fatal
from metering.rating import unpack_files
from metering.rating.times import format_instant
from metering.settings import Settings, load_settings


class Listed(Struct):
    """One publication. `state`: `past`, `in_force` (now, by this machine's clock) or `to_come`."""

    version: str
    active_from: str
    published_at: str
    state: str
    packed_bytes: int


def list_published(arguments: argparse.Namespace) -> int:
    """Exit 0 also when there is nothing: then every worker goes by its own directory."""
    listed = run_async(_list(load_settings()))
    if arguments.json:
        print_json(listed)
    elif not listed:
        print("nothing is published: workers go by METERING_RATES__DIR")
    else:
        rows = [(one.version, one.active_from, one.published_at, one.state, f"{one.packed_bytes:,}") for one in listed]
        print(format_table(("version", "in force from", "published", "state", "bytes"), rows, right=(4,)))
    return 0


def fetch(arguments: argparse.Namespace) -> int:
    """Exit 0 when all files are written. Interrupted, some are: take an empty directory again."""
    directory = Path(arguments.directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Fatal(f"{directory} is not an empty directory")
    files = run_async(_files(load_settings(), arguments.name))
    for name, content in files.items():
        path = (directory / name).resolve()
        if not path.is_relative_to(directory.resolve()):
            raise Fatal(f"the version holds a file {name}, which leads out of its tree")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    print(f"{len(files)} files in {directory}")
    return 0


async def _list(settings: Settings) -> list[Listed]:
    rates = await open_rates(settings)
    now_ms = time.time_ns() // 1_000_000
    current = rates.timeline.at(now_ms)
    return [
        Listed(
            one.manifest.version,
            format_instant(one.manifest.active_from_ms),
            format_instant(one.published_at_ms),
            "in_force" if one is current else "past" if one.manifest.active_from_ms <= now_ms else "to_come",
            one.manifest.packed_bytes,
        )
        for one in rates.timeline
    ]


async def _files(settings: Settings, version: str) -> dict[str, bytes]:
    rates = await open_rates(settings)
    manifest = find_published(rates, version).manifest
    parts = await rates.read_files(manifest)
    if parts is None:
        raise Fatal(f"parts of version {manifest.version} are missing in the topic")
    return unpack_files(parts, manifest.digest, manifest.files_bytes)
