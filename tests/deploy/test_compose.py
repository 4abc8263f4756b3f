"""docker-compose.yml against the Compose schema, and against the program that it starts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from metering.cli.app import build_parser
from metering.embedded.valkey import SMALL_HASH_ENTRIES
from metering.settings import list_variables, load_settings

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path(__file__).with_name("compose_spec.json")
OWN_SERVICES = ("topics", "migrate", "worker", "checkpointer")
METRICS_PORTS = {"worker": 9101, "checkpointer": 9102}
PASSWORDS = {"POSTGRES_PASSWORD": "made-up-1", "REDIS_PASSWORD": "made-up-2"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def fill_in(value: str) -> str:
    """Substitute `${NAME:?…}` as Compose does."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda match: PASSWORDS[match[1]], value)


def test_compose_file_fits_the_schema(compose: dict[str, Any]) -> None:
    Draft201909Validator(json.loads(SCHEMA.read_text())).validate(compose)


def test_schema_refuses_a_misspelt_key_and_a_wrong_condition(compose: dict[str, Any]) -> None:
    validator = Draft201909Validator(json.loads(SCHEMA.read_text()))
    for change in ({"comand": ["worker"]}, {"depends_on": {"kafka": {"condition": "service_happy"}}}):
        services = {**compose["services"], "worker": {**compose["services"]["worker"], **change}}
        assert not validator.is_valid({**compose, "services": services})


def test_every_start_waits_for_a_service_that_can_fulfil_the_condition(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            condition = how["condition"]
            assert needed in services, f"{name} needs {needed}"
            if condition == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for the health of {needed}"
            if condition == "service_completed_successfully":
                assert services[needed]["restart"] == "no", f"{needed} never completes"


def test_long_running_services_start_after_topics_schema_and_their_stores(services: dict[str, dict[str, Any]]) -> None:
    for name, stores in {"worker": {"kafka", "valkey", "postgres"}, "checkpointer": {"kafka", "postgres"}}.items():
        needed = services[name]["depends_on"]
        assert {store for store, how in needed.items() if how["condition"] == "service_healthy"} == stores
        assert needed["topics"]["condition"] == needed["migrate"]["condition"] == "service_completed_successfully"


def test_every_server_and_long_running_process_has_a_health_check(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"topics", "migrate"}


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_environment_is_read_by_the_settings_without_complaint(
    name: str, services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = {key: fill_in(value) for key, value in services[name]["environment"].items()}
    assert set(environment) <= set(list_variables())
    monkeypatch.chdir(tmp_path)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    settings = load_settings()
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.redis.url == "redis://:made-up-2@valkey:6379/0"
    assert settings.postgres.dsn == "postgresql://metering:made-up-1@postgres:5432/metering"
    assert settings.metrics.host == "0.0.0.0"
    assert settings.metrics.port == METRICS_PORTS.get(name)


@pytest.mark.parametrize("name", OWN_SERVICES)
def test_command_is_one_that_the_program_has(name: str, services: dict[str, dict[str, Any]]) -> None:
    arguments = build_parser().parse_args(services[name]["command"])  # leaves with 2 where it is not
    assert callable(arguments.run)


@pytest.mark.parametrize(("name", "port"), METRICS_PORTS.items())
def test_metrics_port_is_the_same_in_settings_health_check_and_prometheus(
    name: str, port: int, services: dict[str, dict[str, Any]]
) -> None:
    assert services[name]["environment"]["METERING_METRICS__PORT"] == str(port)
    assert f"http://127.0.0.1:{port}/healthz" in services[name]["healthcheck"]["test"][-1]
    described = list_variables()["METERING_METRICS__PORT"]
    assert f"{port} for a {name}" in described
    jobs = {
        job["job_name"]: job for job in yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"]
    }
    (discovery,) = jobs[name]["dns_sd_configs"]
    assert (discovery["names"], discovery["port"]) == ([name], port)


def test_servers_listen_where_the_settings_look_for_them(services: dict[str, dict[str, Any]]) -> None:
    kafka = services["kafka"]["environment"]
    assert "INTERNAL://kafka:9092" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert "INTERNAL://:9092" in kafka["KAFKA_LISTENERS"].split(",")
    postgres = services["postgres"]["environment"]
    assert (postgres["POSTGRES_USER"], postgres["POSTGRES_DB"]) == ("metering", "metering")
    command = services["valkey"]["command"]
    assert fill_in(command[command.index("--requirepass") + 1]) == PASSWORDS["REDIS_PASSWORD"]


def test_no_password_stands_in_the_file_and_none_has_a_default(services: dict[str, dict[str, Any]]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) == set(PASSWORDS)
    assert re.findall(r"\$\{\w+(?!:\?|\w)", text) == []
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|AUTH", key):
                assert value.startswith("${"), key
    example = (ROOT / "deploy/compose.env.example").read_text()
    assert {line for line in example.splitlines() if not line.startswith("#")} == {f"{name}=" for name in PASSWORDS}


def test_published_ports_are_on_loopback_only(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_named_volumes_and_mounted_files_exist(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    sources = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {source for source in sources if not source.startswith(".")} == set(compose["volumes"])
    assert [source for source in sources if source.startswith(".") and not (ROOT / source).is_file()] == []


def test_till_never_evicts(services: dict[str, dict[str, Any]]) -> None:
    command = services["valkey"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_small_hashes_are_as_small_as_the_embedded_server_has_them(services: dict[str, dict[str, Any]]) -> None:
    command = services["valkey"]["command"]
    assert command[command.index("--hash-max-listpack-entries") + 1] == SMALL_HASH_ENTRIES
