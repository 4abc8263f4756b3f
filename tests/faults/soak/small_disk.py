"""Postgres on a disk so small that it can be filled. Leaves when to fill it to the faults."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from contextlib import suppress
from typing import Any

import psutil

from metering.embedded.postgres import PostgresServer
from metering.embedded.server import NotReady, ServerFailed

DISK_MEGABYTES = 512
MEGABYTE = 1024 * 1024
POLL_SECONDS = 0.05


class SmallDiskPostgres(PostgresServer):
    """Postgres whose data lies in a file system of `DISK_MEGABYTES`, in memory, where that may be mounted.

    Elsewhere `fill` takes from its processes the right to write to files, which Postgres bears like a full disk. Where
    the process that mounts is killed, the file system stays mounted until somebody unmounts it.
    """

    start_seconds_max = 300.0
    """It recovers its log on a machine that has much else to do."""

    def __init__(self, *, may_mount: bool = True) -> None:
        super().__init__()
        self._may_mount = may_mount and shutil.which("mount") is not None

    @property
    def _filler_path(self) -> str:
        return str(self.data_path / "filler")

    def fill(self) -> None:
        """Leave room for not a byte."""
        if not self.data_path.is_mount():
            self._limit_files("0")
            return
        with open(self._filler_path, "ab", buffering=0) as filler:  # noqa: PTH123  unbuffered
            size = MEGABYTE
            while size >= 1:
                try:
                    filler.write(b"\0" * size)
                except OSError:
                    size //= 4

    async def free(self) -> None:
        """Give the room back, and start the server again where it has ended: without room for its log it does."""
        if self.data_path.is_mount():
            os.unlink(self._filler_path)  # noqa: PTH108  beside its making
        else:
            self._limit_files("unlimited")
        with suppress(ServerFailed):
            while True:
                self.ensure_running()
                with suppress(NotReady, OSError):
                    await self._check_ready()
                    return
                await asyncio.sleep(POLL_SECONDS)
        await self.kill()
        await self.start()

    async def discard(self) -> None:
        await self.stop()
        if self._work is not None and self.data_path.is_mount():
            subprocess.run(["umount", "--lazy", str(self.data_path)], check=True)  # noqa: S607  as in `_prepare`
        await super().discard()

    def _limit_files(self, size: str) -> None:
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            # The parent first: what it starts from now on has its limit.
            for process in (parent, *parent.children(recursive=True)):
                limit = ["prlimit", "--pid", str(process.pid), f"--fsize={size}:"]  # the soft limit alone
                subprocess.run(limit, check=False, capture_output=True, **self._as_owner())

    def _as_owner(self) -> dict[str, Any]:
        """To change the limits of another user's process is a right that root may not have."""
        if not self._is_other_user:
            return {}
        return {"user": self._identity.uid, "group": self._identity.gid, "extra_groups": []}

    async def _prepare(self) -> None:
        if self._may_mount and not self.data_path.is_mount():
            self.data_path.mkdir(exist_ok=True)
            size = f"size={DISK_MEGABYTES}m,mode=0700,uid={self._identity.uid},gid={self._identity.gid}"
            self._may_mount = (
                subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.data_path)],  # noqa: S607  the system's own
                    capture_output=True,
                    check=False,
                ).returncode
                == 0
            )
            if not self._may_mount:
                self.data_path.rmdir()
        await super()._prepare()
