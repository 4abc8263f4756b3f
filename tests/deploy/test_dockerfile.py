"""The Dockerfile and what it copies, against the project and the Makefile's own versions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_copied_files_exist_and_are_let_through_by_dockerignore() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert copied == allowed
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_uv_is_the_version_that_make_installs() -> None:
    bootstrap = (ROOT / "scripts" / "bootstrap.sh").read_text()
    (version,) = re.findall(r"^uv_version=(\S+)$", bootstrap, re.MULTILINE)
    assert re.findall(r"uv==(\S+)", DOCKERFILE) == [version]


def test_python_is_one_that_the_project_says_it_runs_on() -> None:
    (version,) = set(re.findall(r"^FROM python:(\d+\.\d+)-slim", DOCKERFILE, re.MULTILINE))
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


def test_entry_point_is_the_program_and_its_user_is_not_root() -> None:
    assert 'ENTRYPOINT ["metering"]' in DOCKERFILE
    assert "metering" in PROJECT["scripts"]
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_image_name_carries_the_project_version() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"image: metering:(\S+)", compose) == [PROJECT["version"]]
