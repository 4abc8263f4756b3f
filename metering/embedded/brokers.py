"""The brokers that a stack can have, by name; leaves each to its own module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from metering.embedded.kafka import KafkaBroker
from metering.embedded.tansu import TansuBroker

BrokerName = Literal["tansu", "apache"]
BROKERS: Mapping[BrokerName, type[TansuBroker | KafkaBroker]] = {"tansu": TansuBroker, "apache": KafkaBroker}
