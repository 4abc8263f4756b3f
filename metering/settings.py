"""Every setting of every process, read once from METERING_… variables and `.env`. Leaves connecting to their users."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from metering.addresses import check_bootstrap, check_dsn, check_redis_url, make_tls_context
from metering.errors import Fatal

PREFIX = "METERING_"
DELIMITER = "__"
ENVIRONMENT_FILE = ".env"

Milliseconds = Annotated[int, Field(gt=0, le=3_600_000)]


class WrongSetting(Fatal):
    """A setting cannot be used. The message names each variable, what is wrong with it and what it takes."""


Bootstrap = Annotated[str, AfterValidator(check_bootstrap)]
RedisUrl = Annotated[str, AfterValidator(check_redis_url)]
PostgresDsn = Annotated[str, AfterValidator(check_dsn)]


def find_rates_directory() -> Path:
    """Return the plans and decks that come with the program: inside the installed package, else of the source tree."""
    package = Path(__file__).parent
    installed = package / "_rates"
    return installed if installed.is_dir() else package.parent / "rates"


class Section(BaseModel):
    """A group of settings: immutable, and a name that it does not know is an error."""

    # Input is hidden because it may be a password; the message says what was expected instead.
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True, validate_default=True
    )


class KafkaSettings(Section):
    """The broker, and how the worker and the command line talk to it."""

    bootstrap: Bootstrap = "127.0.0.1:9092"
    """Brokers to ask first: host:port, several separated by commas."""
    tls: bool = False
    """Talk to the brokers over TLS."""
    ca_file: str | None = None
    """Authority that signed the brokers' certificates, PEM. When left out, those that the system trusts."""
    cert_file: str | None = None
    """Certificate to show to the brokers, PEM, where they want one."""
    key_file: str | None = None
    """Its key, PEM."""
    user: str | None = None
    """Who we are to the brokers (SASL). When left out, nobody in particular."""
    password: Annotated[str | None, Field(repr=False)] = None
    """The password that goes with `user`."""
    sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    """How `user` and password are told. PLAIN hands the password over: only with TLS."""
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""
    """Stands before every topic's name, so that several installations can share one cluster."""
    group: Annotated[str, Field(min_length=1)] = "metering-worker"
    """Consumer group of the workers. It also names their transactions: two installations need two names."""
    partitions: Annotated[int, Field(gt=0, le=10_000)] = 12
    """Buckets, fixed when the topics are made; the most workers that can ever share the load."""
    replication_factor: Annotated[int, Field(ge=-1, le=32_767)] = -1
    """Copies of each partition; -1 leaves it to the broker's own default."""
    session_timeout_ms: Milliseconds = 6_000
    """A worker silent for this long loses its buckets. 6 s is the least that Kafka accepts unless told otherwise:
    taking over a bucket is cheap, waiting is not."""
    fetch_max_wait_ms: Milliseconds = 20
    """How long an empty fetch waits. The embedded broker does not wake it when data comes, so there it adds to each
    decision; on Apache Kafka 500 saves idle requests and costs nothing."""

    def client_options(self) -> dict[str, Any]:
        """Return what every client of the broker is told: where it is, and how to get in.

        Raises `Fatal` where a file cannot be read.
        """
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap}
        if self.tls:
            options["ssl_context"] = make_tls_context(self.ca_file, self.cert_file, self.key_file)
        if self.user is not None:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password or "",
            }
        if self.tls or self.user is not None:
            options["security_protocol"] = ("SASL_" if self.user is not None else "") + (
                "SSL" if self.tls else "PLAINTEXT"
            )
        return options


class RedisSettings(Section):
    """The till."""

    url: Annotated[RedisUrl, Field(repr=False)] = "redis://127.0.0.1:6379/0"
    """Address of Redis or Valkey: redis://[user:password@]host:port/database; redis+sentinel://host:port,host:port/name
    for what sentinels call `name`; redis+cluster://host:port,host:port for a cluster. With TLS rediss://,
    rediss+sentinel://, rediss+cluster://, and as options ?ca_file=…&cert_file=…&key_file=… where they are needed."""


class PostgresSettings(Section):
    """The books."""

    dsn: Annotated[PostgresDsn, Field(repr=False)] = "postgresql://metering@127.0.0.1:5432/metering"
    """Address of PostgreSQL: postgresql://user[:password]@host:port/database. With several hosts that take over from
    each other: postgresql://user@host1:5432,host2:5432/database?target_session_attrs=read-write."""


class RatesSettings(Section):
    """Plans and decks."""

    dir: Path = Field(default_factory=find_rates_directory)
    """Tree of plans and decks. When left out, the one that comes with the program. Workers price by it until the first
    version that was published comes into force."""


class LedgerSettings(Section):
    """How long the ledger remembers what it has seen. Every worker of an installation needs the same values."""

    dedupe_window_hours: Annotated[int, Field(gt=0, le=7 * 24)] = 24
    """A repeat of a usage event is recognised this long, and an older event is dead-lettered. Costs Redis memory for
    each event in it; cannot exceed what the usage topic keeps (7 days)."""
    command_window_days: Annotated[int, Field(gt=0, le=90)] = 7
    """A repeat of a command is recognised, and answered with the first answer, this long."""


class WorkerSettings(Section):
    """The bucket loop's bounds: memory and time are limited by these, never by what comes in."""

    chunk_events_max: Annotated[int, Field(gt=0, le=2_000)] = 400
    """Most events of one Lua call. From 250 on more saves little, and blocks Redis longer."""
    buffered_events_max: Annotated[int, Field(gt=0)] = 16_000
    """Events read and not yet applied that a worker's buckets share. Half as many are applied and not yet published."""
    buffered_bytes_max: Annotated[int, Field(gt=0)] = 64 * 1024 * 1024
    """Bytes of records that a worker may hold, read and not yet applied, shared by its buckets: few large ones."""
    dead_letters_share_max: Annotated[float, Field(gt=0, le=1)] = 0.5
    """A bucket stops when more than this share of its newest records are dead letters: half of a stream is no producer
    that errs but a bad deploy, and who sends it must not believe it metered. 1 lets everything through."""
    dead_letters_window_records: Annotated[int, Field(gt=0, le=1_000_000)] = 1_000
    """How many newest records that share is of: half is a second of a busy bucket, more than a quiet one's bad day."""
    probe_seconds: Annotated[float, Field(gt=0, le=300)] = 5.0
    """An idle bucket asks Redis this often whether its state is still there."""


class CheckpointSettings(Section):
    """How the ledger gets into Postgres."""

    flush_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Entries wait at most this long; a restore of a bucket has to wait for it too."""
    flush_entries: Annotated[int, Field(gt=0, le=100_000)] = 5_000
    """A bucket is written at this many entries even before its time."""
    buffered_entries_max: Annotated[int, Field(gt=0)] = 50_000
    """Entries held in memory over all buckets; then reading pauses until Postgres has some."""
    retention_days: Annotated[int | None, Field(ge=31, le=36_500)] = None
    """Entries older than this are put away: dropped by the day, with anchors in their place. When left out, all are
    kept: for how long books have to be is for law and contracts to say. At least a month, so that nothing that a window
    or a customer's log of 30 days still shows can be among them."""


class MetricsSettings(Section):
    """Where /metrics, /healthz and /readyz are served."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 in a container."""
    port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    """Port. When left out, 9101 for a worker and 9102 for a checkpointer; 0 takes a free one."""


class LogSettings(Section):
    """What is logged, to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is logged."""
    format: Literal["json", "console"] = "json"
    """`json`: one object a line, for machines; `console`: for people."""


class Settings(BaseSettings):
    """All settings, immutable. `load_settings` reads them; tests build one from sections."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_file=ENVIRONMENT_FILE,
        frozen=True,
        extra="ignore",  # other programs share `.env`; `_find_unknown` looks after our names
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        env_ignore_empty=True,  # Compose and Helm pass what is not set as an empty string
    )

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    postgres: PostgresSettings = PostgresSettings()
    rates: RatesSettings = Field(default_factory=RatesSettings)
    ledger: LedgerSettings = LedgerSettings()
    worker: WorkerSettings = WorkerSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    decisions: Literal["early"] = "early"
    """`early`: a decision is sent as soon as Lua has answered; the books follow within the transaction."""

    def to_environment(self) -> dict[str, str]:
        """Return the variables that make another process read these same settings (passwords included)."""
        return {name: str(value) for name, value in _walk(self) if value is not None}

    def with_section(self, **sections: Section) -> Self:
        """Return a copy with whole sections replaced."""
        return self.model_copy(update=sections)


def load_settings() -> Settings:
    """Read the environment and `.env` here. Raises `WrongSetting`, which names each wrong variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise WrongSetting("\n".join(_explain(problem) for problem in error.errors())) from None
    except SettingsError as error:
        raise WrongSetting(f"{error}; use {PREFIX}SECTION{DELIMITER}NAME=value") from None
    unknown = _find_unknown({**dotenv_values(ENVIRONMENT_FILE), **os.environ})
    if unknown:
        raise WrongSetting("\n".join(unknown))
    return settings


def variable_name(path: tuple[str, ...]) -> str:
    """Return the environment variable of a setting, such as METERING_KAFKA__BOOTSTRAP of ("kafka", "bootstrap")."""
    return PREFIX + DELIMITER.join(path).upper()


def list_variables() -> dict[str, str]:
    """Return every variable with its description, in the order of the tree."""
    variables: dict[str, str] = {}
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for key, leaf in section.model_fields.items():
                variables[variable_name((name, key))] = leaf.description or ""
        else:
            variables[variable_name((name,))] = field.description or ""
    return variables


def _walk(settings: Settings) -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, Section):
            leaves += [(variable_name((name, key)), getattr(value, key)) for key in type(value).model_fields]
        else:
            leaves.append((variable_name((name,)), value))
    return leaves


def _explain(problem: Any) -> str:
    """Return one line on a pydantic error: the variable, what is wrong, and what the setting is."""
    variable = variable_name(tuple(str(part) for part in problem["loc"]))
    if problem["type"] == "extra_forbidden":
        return _explain_unknown(variable)
    described = list_variables().get(variable)
    wrong = str(problem["msg"]).removeprefix("Value error, ")
    return f"{variable}: {wrong}" + (f" ({described})" if described else "")


def _explain_unknown(variable: str) -> str:
    near = difflib.get_close_matches(variable, list_variables(), n=1, cutoff=0.75)
    return f"{variable}: there is no such setting" + (f"; {near[0]} was meant?" if near else "")


def _find_unknown(environment: Mapping[str, str | None]) -> list[str]:
    """Return a line for each variable that is clearly meant for us and that no setting reads.

    Clearly meant: it has the nesting delimiter, or would be a setting with it (METERING_REDIS_URL). Others stay alone,
    since Kubernetes names variables of every pod after its services, such as METERING_WORKER_PORT=tcp://10.0.0.7:9101.
    """
    known = list_variables()
    flat = {name.replace(DELIMITER, "_") for name in known}
    sections = {variable_name((name,)) for name in Settings.model_fields}
    problems: list[str] = []
    for raw_name, value in environment.items():
        name = raw_name.upper()
        if not name.startswith(PREFIX) or name in known or name in sections or (value or "").startswith("tcp://"):
            continue
        if DELIMITER in name or name in flat:
            problems.append(_explain_unknown(name))
    return problems
