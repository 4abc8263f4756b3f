"""Where a command takes its rates from: a directory, or what was published. Leaves what they say to `rating`."""

from __future__ import annotations

import re
import time
from pathlib import Path

from metering.cli.output import note
from metering.cli.running import run_async
from metering.errors import Fatal
from metering.rating import Catalog, load_catalog
from metering.settings import Settings
from metering.worker.kafka import Kafka
from metering.worker.rates import Rates
from metering.worker.rates_timeline import Publication
from metering.worker.topics import partition_counts

PUBLISHED = "published"
NO_RATES = Catalog("", {})
"""Before the first publication, for those who only look at publications."""
_VERSION = re.compile("[0-9a-f]{12}")


def is_version(name: str) -> bool:
    """Whether a name means a published version, and not a directory."""
    return not Path(name).exists() and (name == PUBLISHED or _VERSION.fullmatch(name) is not None)


async def open_rates(settings: Settings, base: Catalog = NO_RATES) -> Rates:
    """Read what has been published. Raises `Fatal` without the topic, `Retryable` without a broker."""
    kafka = Kafka(settings.kafka)
    name = f"{settings.kafka.topic_prefix}rates"
    if name not in await partition_counts(settings.kafka):
        raise Fatal(f"the topic {name} does not exist; run: metering topics create")
    rates = Rates(kafka, base, lambda skipped: note(f"{skipped.publication} is {skipped.reason}: {skipped.detail}"))
    await rates.read()
    return rates


def find_published(rates: Rates, name: str) -> Publication:
    """Return the publication that `name` means. Raises `Fatal` when there is none."""
    now_ms = time.time_ns() // 1_000_000
    found = rates.timeline.at(now_ms) if name == PUBLISHED else rates.timeline.find_version(name)
    if found is None:
        raise Fatal("nothing published is in force" if name == PUBLISHED else f"no version {name} was published")
    return found


def load_rates(settings: Settings, name: str | None) -> Catalog:
    """Load the rates that `name` means; None: those of METERING_RATES__DIR.

    Raises `RatesError` for rates with errors, `Fatal` where there are none.
    """
    if name is not None and is_version(name):
        return run_async(_load_published(settings, name))
    directory = Path(name) if name is not None else settings.rates.dir
    if not directory.is_dir():
        raise Fatal(f"{directory} is neither a directory nor a published version")
    return load_catalog(directory)


async def _load_published(settings: Settings, name: str) -> Catalog:
    rates = await open_rates(settings)
    catalog = await rates.load(find_published(rates, name))
    if catalog is None:
        raise Fatal(f"version {name} cannot be read by this program")
    return catalog
