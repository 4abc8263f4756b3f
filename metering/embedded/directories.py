"""Directories that a server's data lives in and that go when it goes; leaves what is in them to the server."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

NAME_PREFIX = "metering-"
LOCK_NAME = ".owner"
# Between making a directory and locking it there is a moment; a sweep by another process must not fall into it.
ABANDONED_AFTER_SECONDS = 60.0


class WorkDirectory:
    """A directory of mode 0700 under the system's temporary one, locked for as long as this process uses it.

    A process that is killed leaves it behind; the lock is then free, and the next `WorkDirectory` of the same user
    sweeps it away.
    """

    def __init__(self, purpose: str, parent: Path | None = None) -> None:
        """Make the directory. `purpose` stands in its name."""
        parent = parent or Path(tempfile.gettempdir())
        _sweep_abandoned(parent)
        self.path = Path(tempfile.mkdtemp(prefix=f"{NAME_PREFIX}{purpose}-", dir=parent))
        self._lock = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Delete the directory and all in it. Interrupted, the rest is swept away later; a second call does nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def is_reachable_by_all(path: Path) -> bool:
    """Return whether any user may enter every directory above `path`, so that a child of another user can get to it."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def _sweep_abandoned(parent: Path) -> None:
    """Delete directories of this user whose owner is gone: old, and their lock is free."""
    for path in parent.glob(f"{NAME_PREFIX}*"):
        lock_path = path / LOCK_NAME
        try:
            described = lock_path.lstat()
            if described.st_uid != os.geteuid() or time.time() - described.st_mtime < ABANDONED_AFTER_SECONDS:
                continue
            lock = os.open(lock_path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue  # not ours to judge: another user's, or just being removed
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(lock)
