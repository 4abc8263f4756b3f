"""All that a fault can reach: servers, processes, stream and pulse. Leaves what goes wrong to the families."""

from __future__ import annotations

from dataclasses import dataclass

from tests.end_to_end.system import System
from tests.faults.soak.fleet import Fleet
from tests.faults.soak.pulse import Pulse
from tests.faults.soak.servers import SoakServers
from tests.faults.soak.stream import Stream


@dataclass(frozen=True)
class World:
    """What runs during a soak."""

    servers: SoakServers
    system: System
    fleet: Fleet
    stream: Stream
    pulse: Pulse
    session_seconds: float
    """After so long a silent worker has lost its buckets."""
