"""What is measured: scenarios, and the named sets of them. Leaves running them to `run`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from metering.embedded.brokers import BrokerName

MixName = Literal["debit", "reserve", "life", "voice", "denied", "lots", "limits"]
Distribution = Literal["uniform", "zipf"]
SuiteName = Literal["short", "full"]

PACES = (5_000, 10_000, 20_000)


class Scenario(Struct, frozen=True):
    """One run on a stack of its own."""

    mix: MixName = "debit"
    customers: int = 100_000
    distribution: Distribution = "zipf"
    """`zipf`: with exponent 1.01. Of one customer it makes no difference."""
    events: int = 100_000
    """Of a drained backlog, the warm-up included."""
    warm_up: int = 0
    """Events of it that are applied before the measuring begins; 0: a tenth."""
    workers: int = 1
    partitions: int = 8
    broker: BrokerName = "tansu"
    appendonly: bool = False
    """Valkey with its append-only file, synced every second; then Postgres syncs too."""
    checkpointer: bool = False
    pace: int = 0
    """Events a second; 0: a backlog is drained."""
    seconds: int = 10
    """How long the pace is measured, after a warm-up at the same pace."""
    seconds_max: float = 240.0
    """After this long without an end, the scenario has failed."""
    baselines: bool = False

    @property
    def name(self) -> str:
        """A short name that tells it from the others of a set."""
        who = "1 customer" if self.customers == 1 else f"{self.customers:,} customers {self.distribution}"
        parts = [self.mix, who, f"{self.partitions} partitions"]
        parts += [f"{self.workers} workers"] if self.workers > 1 else []
        parts += ["AOF"] if self.appendonly else []
        parts += ["checkpointer"] if self.checkpointer else []
        parts += [f"{self.pace:,}/s"] if self.pace else []
        return ", ".join(parts)


def suite(name: SuiteName, given: Scenario) -> list[Scenario]:
    """Return the scenarios of a set; broker, durability, events and time limits are those of `given`."""
    return _short(given) if name == "short" else _full(given)


def _short(given: Scenario) -> list[Scenario]:
    plain = replace(given, customers=100_000, distribution="zipf", mix="debit", pace=0, checkpointer=False)
    return [
        replace(plain, baselines=True),
        replace(plain, customers=1),
        replace(plain, mix="reserve"),
        replace(plain, mix="life"),
        replace(plain, checkpointer=True),
        replace(plain, pace=PACES[0]),
    ]


def _full(given: Scenario) -> list[Scenario]:
    plain = replace(given, customers=100_000, distribution="zipf", mix="debit", pace=0, checkpointer=False)
    others: tuple[MixName, ...] = ("voice", "denied", "lots", "limits")
    return [
        *_short(given),
        *(replace(plain, mix=mix) for mix in others),
        *(replace(plain, customers=count) for count in (1_000, 10_000, 1_000_000)),
        *(replace(plain, customers=count, distribution="uniform") for count in (1_000, 100_000, 1_000_000)),
        *(replace(plain, workers=count) for count in (2, 4)),
        *(replace(plain, partitions=count) for count in (32, 128)),
        replace(plain, appendonly=not plain.appendonly),
        replace(plain, mix="life", checkpointer=True),
        *(replace(plain, pace=pace) for pace in PACES[1:]),
        replace(plain, pace=PACES[2], checkpointer=True),
    ]
