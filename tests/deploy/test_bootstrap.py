"""What `make` says on a machine that cannot make the environment. That it can on a bare one, CI's clean clone shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL_TOOLS = ("cut", "printf", "rm", "touch")


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """A copy of the script beside a `bin` that holds nothing but what a shell needs."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap.sh", tmp_path / "scripts")
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in SHELL_TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (programs / tool).symlink_to(found)
    return tmp_path


def add_program(machine: Path, name: str, text: str) -> None:
    program = machine / "bin" / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def bootstrap(machine: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # The last resort of the script is the system's own interpreter; here it must not find that either.
    script = machine / "scripts" / "bootstrap.sh"
    script.write_text(script.read_text().replace(" /usr/bin/python3", ""))
    return subprocess.run(
        ["/bin/sh", str(script)],
        cwd=machine,
        env={"PATH": str(machine / "bin"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_machine_without_python_is_told_what_to_install(bare_machine: Path) -> None:
    answer = bootstrap(bare_machine)
    assert answer.returncode == 1
    assert "no Python >= 3.11 found" in answer.stderr
    assert "apt-get install python3 python3-venv" in answer.stderr


def test_shim_that_has_no_python_behind_it_is_passed_over(bare_machine: Path) -> None:
    add_program(bare_machine, "python3", 'echo "python3: command not found" >&2; exit 127')
    # A real interpreter in all but the making of the environment, which takes its time and needs a package index.
    add_program(bare_machine, "python3.12", f'[ "$2" != venv ] || exit 3; exec {sys.executable} "$@"')
    answer = bootstrap(bare_machine)
    assert re.search(r"Making \.venv with \S+/bin/python3\.12 \(3\.\d+\.\d+", answer.stderr)
    assert answer.returncode == 3


def test_python_that_is_too_old_is_passed_over(bare_machine: Path) -> None:
    add_program(bare_machine, "python3", "exit 1")  # what the version question of an older one comes to
    answer = bootstrap(bare_machine)
    assert answer.returncode == 1
    assert "no Python >= 3.11 found" in answer.stderr


def test_python_without_venv_names_the_package_that_brings_it(bare_machine: Path) -> None:
    add_program(bare_machine, "python3", 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    answer = bootstrap(bare_machine)
    assert answer.returncode == 1
    assert "python3 is there, but cannot make an environment" in answer.stderr
    assert "apt-get install python3-venv" in answer.stderr


def test_named_python_comes_before_all_others(bare_machine: Path) -> None:
    add_program(bare_machine, "chosen", 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    answer = bootstrap(bare_machine, PYTHON="chosen")
    assert "chosen is there, but cannot make an environment" in answer.stderr
