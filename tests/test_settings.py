"""Settings: what is read, what is refused, and what the refusal tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from metering.settings import (
    KafkaSettings,
    Settings,
    WrongSetting,
    find_rates_directory,
    list_variables,
    load_settings,
)


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list_variables():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_nothing_set_gives_working_defaults() -> None:
    settings = load_settings()
    assert settings.kafka.bootstrap == "127.0.0.1:9092"
    assert settings.kafka.group == "metering-worker"
    assert settings.ledger.dedupe_window_hours == 24
    assert settings.ledger.command_window_days == 7
    assert settings.metrics.port is None
    assert settings.rates.dir == find_rates_directory()


# One row a setting: the variable, a value that it takes, what it becomes, and one that it must refuse.
ROWS: dict[str, tuple[str, object, str | None]] = {
    "METERING_KAFKA__BOOTSTRAP": ("a:9092,b:9092", "a:9092,b:9092", "a"),
    "METERING_KAFKA__TLS": ("true", True, "perhaps"),
    "METERING_KAFKA__CA_FILE": ("/etc/ca.pem", "/etc/ca.pem", None),
    "METERING_KAFKA__CERT_FILE": ("/etc/me.pem", "/etc/me.pem", None),
    "METERING_KAFKA__KEY_FILE": ("/etc/me.key", "/etc/me.key", None),
    "METERING_KAFKA__USER": ("worker", "worker", None),
    "METERING_KAFKA__PASSWORD": ("hunter2", "hunter2", None),
    "METERING_KAFKA__SASL_MECHANISM": ("PLAIN", "PLAIN", "GSSAPI"),
    "METERING_KAFKA__TOPIC_PREFIX": ("eu.", "eu.", "a b"),
    "METERING_KAFKA__GROUP": ("workers-2", "workers-2", None),
    "METERING_KAFKA__PARTITIONS": ("48", 48, "0"),
    "METERING_KAFKA__REPLICATION_FACTOR": ("3", 3, "-2"),
    "METERING_KAFKA__SESSION_TIMEOUT_MS": ("10000", 10_000, "0"),
    "METERING_KAFKA__FETCH_MAX_WAIT_MS": ("500", 500, "soon"),
    "METERING_REDIS__URL": ("rediss://u:p@h:6379/1", "rediss://u:p@h:6379/1", "h:6379"),
    "METERING_POSTGRES__DSN": ("postgresql://u:p@h/d", "postgresql://u:p@h/d", "mysql://u:p@h/d"),
    "METERING_RATES__DIR": ("/srv/rates", Path("/srv/rates"), None),
    "METERING_LEDGER__DEDUPE_WINDOW_HOURS": ("48", 48, "169"),
    "METERING_LEDGER__COMMAND_WINDOW_DAYS": ("14", 14, "0"),
    "METERING_WORKER__CHUNK_EVENTS_MAX": ("250", 250, "2001"),
    "METERING_WORKER__BUFFERED_EVENTS_MAX": ("800", 800, "0"),
    "METERING_WORKER__BUFFERED_BYTES_MAX": ("1000000", 1_000_000, "0"),
    "METERING_WORKER__DEAD_LETTERS_SHARE_MAX": ("0.9", 0.9, "1.1"),
    "METERING_WORKER__DEAD_LETTERS_WINDOW_RECORDS": ("500", 500, "0"),
    "METERING_WORKER__PROBE_SECONDS": ("0.5", 0.5, "0"),
    "METERING_CHECKPOINT__FLUSH_SECONDS": ("0.2", 0.2, "61"),
    "METERING_CHECKPOINT__FLUSH_ENTRIES": ("100", 100, "0"),
    "METERING_CHECKPOINT__BUFFERED_ENTRIES_MAX": ("1000", 1_000, "0"),
    "METERING_CHECKPOINT__RETENTION_DAYS": ("400", 400, "30"),
    "METERING_METRICS__HOST": ("0.0.0.0", "0.0.0.0", None),
    "METERING_METRICS__PORT": ("9000", 9_000, "70000"),
    "METERING_LOG__LEVEL": ("debug", "debug", "loud"),
    "METERING_LOG__FORMAT": ("console", "console", "xml"),
    "METERING_DECISIONS": ("early", "early", "committed"),
}


def read(settings: Settings, variable: str) -> object:
    value: object = settings
    for name in variable.removeprefix("METERING_").lower().split("__"):
        value = getattr(value, name)
    return value


def test_every_setting_has_a_row_and_a_description() -> None:
    assert list(list_variables()) == list(ROWS)
    assert [name for name, description in list_variables().items() if not description] == []


@pytest.mark.parametrize("variable", ROWS)
def test_variable_is_set_changes_the_setting(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, expected, _ = ROWS[variable]
    monkeypatch.setenv(variable, text)
    assert expected == read(load_settings(), variable)


@pytest.mark.parametrize("variable", [name for name, row in ROWS.items() if row[2] is not None])
def test_wrong_value_is_refused_by_the_name_of_its_variable(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ROWS[variable][2]
    assert wrong is not None
    monkeypatch.setenv(variable, wrong)
    with pytest.raises(WrongSetting, match=f"^{variable}: "):
        load_settings()


def test_several_wrong_settings_are_all_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERING_KAFKA__PARTITIONS", "0")
    monkeypatch.setenv("METERING_LOG__LEVEL", "loud")
    with pytest.raises(WrongSetting) as caught:
        load_settings()
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "METERING_KAFKA__PARTITIONS",
        "METERING_LOG__LEVEL",
    ]


def test_wrong_password_url_is_not_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERING_POSTGRES__DSN", "mysql://u:hunter2@h/d")
    with pytest.raises(WrongSetting) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_passwords_do_not_show_in_the_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERING_POSTGRES__DSN", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("METERING_REDIS__URL", "redis://u:hunter2@h:6379/0")
    assert "hunter2" not in repr(load_settings())


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("METERING_KAFKA__BOOTSTARP", "METERING_KAFKA__BOOTSTRAP"),
        ("METERING_REDIS_URL", "METERING_REDIS__URL"),
        ("METERING_POSTGRESS__DSN", "METERING_POSTGRES__DSN"),
    ],
)
def test_misspelt_variable_is_refused_with_the_one_that_was_meant(
    variable: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(WrongSetting, match=f"^{variable}: there is no such setting; {meant} was meant"):
        load_settings()


def test_variables_that_kubernetes_adds_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERING_WORKER_PORT", "tcp://10.0.0.7:9101")
    monkeypatch.setenv("METERING_METRICS_PORT", "tcp://10.0.0.7:9101")
    monkeypatch.setenv("METERING_WORKER_SERVICE_HOST", "10.0.0.7")
    assert load_settings().metrics.port is None


def test_section_as_one_variable_is_refused_with_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERING_REDIS", "redis://h:6379/0")
    with pytest.raises(WrongSetting, match="METERING_SECTION__NAME=value"):
        load_settings()


def test_env_file_is_read_and_the_environment_wins(empty_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_directory / ".env").write_text(
        "POSTGRES_PASSWORD=of-another-program\nMETERING_KAFKA__GROUP=from-file\nMETERING_LOG__LEVEL=error\n"
    )
    monkeypatch.setenv("METERING_LOG__LEVEL", "warning")
    settings = load_settings()
    assert (settings.kafka.group, settings.log.level) == ("from-file", "warning")


def test_misspelt_variable_in_the_env_file_is_refused(empty_directory: Path) -> None:
    (empty_directory / ".env").write_text("METERING_KAFKA_GROUP=x\n")
    with pytest.raises(WrongSetting, match="METERING_KAFKA__GROUP was meant"):
        load_settings()


def test_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERING_METRICS__PORT", "")
    assert load_settings().metrics.port is None


def test_settings_cannot_be_changed() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.kafka.group = "x"
    with pytest.raises(ValidationError, match="frozen"):
        settings.kafka = KafkaSettings()


def test_environment_of_settings_gives_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings().with_section(kafka=KafkaSettings(bootstrap="h:1", topic_prefix="eu.", partitions=3))
    for name, value in settings.to_environment().items():
        monkeypatch.setenv(name, value)
    assert settings == load_settings()
