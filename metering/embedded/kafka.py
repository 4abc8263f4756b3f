"""Apache Kafka 4 in KRaft mode, one node that is broker and controller; leaves topics to its clients."""

from __future__ import annotations

import asyncio
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from metering.embedded.kafka_jars import find_java, provide_kafka_jars
from metering.embedded.kafka_protocol import check_broker
from metering.embedded.ports import LOOPBACK, find_free_port
from metering.embedded.process import Command, Process
from metering.embedded.server import Server, ServerFailed, build_environment

FORMAT_SECONDS_MAX = 60.0
LOG4J_SETTINGS = Path(__file__).with_name("apache_kafka") / "log4j2.properties"
# The serial collector and a small heap: brokers under test share two cores with what they are tested with. No figures
# for tools that watch JVMs: they would stay in the common temporary directory when the broker is killed.
JVM_OPTIONS = ("-Xms128m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Djava.awt.headless=true")
# A broker that lives for a test spends half of its processor time on compiling itself well: compiled once and quickly,
# a start and 300 transactions took 7 to 9 s of it instead of 14 to 16.
JVM_OPTIONS_SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    # One node can keep one copy.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # 50 partitions each by default: made at the first use, and slow.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",  # do not wait for more members before the first assignment
    "group.min.session.timeout.ms": "1000",  # lets a fault test notice a dead member sooner than production would
    # A killed node's registration stands until its session ends, and the restarted one must wait for that.
    # (3 s rather than 1: a machine that is busy with a test must not lose its broker for being slow.)
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "auto.create.topics.enable": "false",  # a topic that nobody made is a mistake to see, not to hide
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.partitions": "1",
}


class KafkaBroker(Server):
    """Apache Kafka on loopback, empty at first; `stop`, `kill` and `start` keep its data.

    Needs Java 17 or newer, and Maven for the first start on a machine. Measured on two quiet cores: first start 5 s,
    restart 4 s, start after `kill` 5 s, because a new node waits for the end of the dead one's session.
    """

    name = "kafka"
    has_transactions = True
    start_seconds_max = 90.0
    stop_seconds_max = 20.0

    def __init__(
        self,
        directory: Path | None = None,
        port: int | None = None,
        *,
        log_append_time: bool = False,
        is_short_lived: bool = False,
        advertised: str | None = None,
        **settings: str,
    ) -> None:
        """Describe the broker. `settings` are Kafka's own with `_` for `.`, over those in `SETTINGS`.

        With `log_append_time` a topic that does not say otherwise stamps records with the broker's clock. One that
        `is_short_lived` starts sooner, and would be slower after some minutes of full load.
        `advertised` is where clients are sent, `host:port`: a proxy's address, when one stands before the broker.
        """
        super().__init__(directory, port)
        given = {name.replace("_", "."): value for name, value in settings.items()}
        stamp = "LogAppendTime" if log_append_time else "CreateTime"
        self._settings = {**SETTINGS, "log.message.timestamp.type": stamp, **given}
        self._advertised = advertised
        self._jvm_options = JVM_OPTIONS + (JVM_OPTIONS_SHORT_LIVED if is_short_lived else ())
        self._cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._controller_port: int | None = None
        self._java: Path | None = None
        self._jars: Path | None = None

    @property
    def data_path(self) -> Path:
        """Where the logs of the partitions are."""
        return self.work_path / "data"

    @property
    def _settings_path(self) -> Path:
        return self.work_path / "server.properties"

    async def _prepare(self) -> None:
        if self._jars is None:
            self._jars = await provide_kafka_jars()
        if self._java is None:
            self._java = await asyncio.to_thread(find_java)
        if self._controller_port is None or not self._was_up:  # a first start that failed may have failed on this port
            self._controller_port = find_free_port()
        self._write_settings(self._controller_port)
        if not (self.data_path / "meta.properties").exists():
            await self._format()

    @property
    def advertised(self) -> str:
        """Where clients are sent."""
        return self._advertised or self.endpoint

    def _describe_listeners(self, controller_port: int) -> dict[str, str]:
        return {
            "listeners": f"PLAINTEXT://{self.endpoint},CONTROLLER://{LOOPBACK}:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.advertised}",
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        }

    def _write_settings(self, controller_port: int) -> None:
        listeners = self._describe_listeners(controller_port)
        settings = {**self._settings, **listeners, "log.dirs": str(self.data_path)}
        self._settings_path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def _format_arguments(self) -> list[str]:
        """Return what else the data directory is to be made with."""
        return []

    async def _format(self) -> None:
        """Give the data directory its cluster id. Interrupted, it is formatted again by the next start."""
        # One argument: an id may begin with a hyphen.
        arguments = ["kafka.tools.StorageTool", "format", f"--cluster-id={self._cluster_id}", "--ignore-formatted"]
        arguments += ["--config", str(self._settings_path), *self._format_arguments()]
        process = Process(self._run_java(*arguments), self.log_path)
        try:
            ended = await process.wait(FORMAT_SECONDS_MAX)
        finally:
            process.kill()
        if not ended or process.returncode != 0:
            raise ServerFailed(f"kafka's format failed ({process.returncode}):\n{process.read_log_tail()}")

    def _build_command(self) -> Command:
        return self._run_java("kafka.Kafka", str(self._settings_path))

    def _run_java(self, *arguments: str) -> Command:
        temporary = f"-Djava.io.tmpdir={self.work_path}"  # the codecs unpack their native libraries there
        logging = f"-Dlog4j2.configurationFile={LOG4J_SETTINGS}"
        java = [str(self._java), *self._jvm_options, temporary, logging, "-cp", f"{self._jars}/*"]
        return Command([*java, *arguments], build_environment(), self.work_path)

    async def _check_ready(self) -> None:
        await check_broker(self.endpoint, self.advertised)
