"""One child process: its log, its signals, its end. Leaves what the program is and when it is ready to `server`.

Built on `subprocess.Popen` and short sleeps rather than on asyncio's subprocesses, which belong to one event loop: a
test may start a server in one loop and stop it in another.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from metering.embedded.launcher import KEEP_IDENTITY

POLL_SECONDS = 0.01  # shorter than any server here takes to start or to stop, long enough to cost nothing
LOG_TAIL_LINES = 25
LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Identity:
    """The user and group that a child runs as."""

    uid: int = KEEP_IDENTITY
    gid: int = KEEP_IDENTITY

    @classmethod
    def unprivileged(cls) -> Identity:
        """Return `nobody` when this process is root, else the identity that it has."""
        if os.geteuid() != 0:
            return cls()
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `death_signal` is what the child gets when this process dies without stopping it."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    identity: Identity = Identity()
    death_signal: signal.Signals = signal.SIGKILL


class Process:
    """A running child, in a session of its own so that Ctrl-C reaches only the parent, which then stops it in order."""

    def __init__(self, command: Command, log_path: Path) -> None:
        """Start `command`; its output is appended to `log_path`.

        Call in a thread that lives as long as the child shall: the kernel sends the death signal when the *thread* that
        forked ends.
        """
        self._log_path = log_path
        identity = command.identity
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
        launch += [str(identity.uid), str(identity.gid), str(int(command.death_signal)), *command.arguments]
        with log_path.open("ab") as log:
            self._log_offset = log.tell()
            self._popen = subprocess.Popen(
                launch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=command.directory,
                env=dict(command.environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The child's process id; the launcher's and the program's are the same."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal, or None while the child runs."""
        return self._popen.poll()

    def read_log_tail(self) -> str:
        """Return the last lines that this run wrote, or what keeps them from being read."""
        try:
            with self._log_path.open("rb") as log:
                log.seek(self._log_offset)
                lines = log.read().decode(errors="replace").splitlines()
        except OSError as error:
            return f"(no log: {error})"
        return "\n".join(lines[-LOG_TAIL_LINES:])

    async def wait(self, seconds_max: float) -> bool:
        """Return whether the child has ended within `seconds_max`. Cancelling leaves it as it is."""
        deadline = time.monotonic() + seconds_max
        while self.returncode is None:
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def stop(self, stop_signal: signal.Signals, seconds_max: float) -> None:
        """Ask the child to end; kill it and its children when `seconds_max` have passed or this is cancelled."""
        if self.returncode is not None:
            return
        try:
            self._popen.send_signal(stop_signal)
            ended = await self.wait(seconds_max)
        except asyncio.CancelledError:
            self.kill()
            raise
        if not ended:
            self.kill()

    def kill(self) -> None:
        """Send SIGKILL to the child and to all that it started, and reap it: at the return none of them runs any more.

        Children are looked up first: Postgres' back ends make sessions of their own, and would go on for a moment with
        the memory that a new server needs.
        """
        family = [self.pid, *_find_descendants(self.pid)] if self.returncode is None else []
        for pid in family:
            _signal_if_there(pid, signal.SIGKILL)
        self._popen.wait()
        for pid in family[1:]:
            _wait_until_gone(pid)


def _signal_if_there(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended by itself
        os.kill(pid, number)


def _wait_until_gone(pid: int) -> None:
    """Wait, a second at most, until `pid` has ended; it was killed, so only the kernel's own work is left."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        state = _read_stat(pid)
        if state is None or state[0] == "Z":
            return
        time.sleep(0.001)


def _find_descendants(pid: int) -> list[int]:
    """Return the ids of all children, grandchildren, … of `pid`, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            state = _read_stat(int(entry.name))
            if state is not None:
                children.setdefault(int(state[1]), []).append(int(entry.name))
    found: list[int] = []
    open_ids = [pid]
    while open_ids:
        below = children.get(open_ids.pop(), [])
        found += below
        open_ids += below
    return found


def _read_stat(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from the state on (state, parent's pid, …), or None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()
