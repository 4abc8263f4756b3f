"""Postgres on a disk so small that it can be filled. Leaves when to fill it to the faults."""

from __future__ import annotations

import os
import subprocess

from metering.embedded.postgres import PostgresServer

DISK_MEGABYTES = 512
MEGABYTE = 1024 * 1024


class SmallDiskPostgres(PostgresServer):
    """Postgres whose data lies in a file system of `DISK_MEGABYTES`, in memory. Needs root, to mount it.

    Where the process that mounts is killed, the file system stays mounted until somebody unmounts it.
    """

    @property
    def _filler_path(self) -> str:
        return str(self.data_path / "filler")

    def fill(self) -> None:
        """Leave not a byte free."""
        with open(self._filler_path, "ab", buffering=0) as filler:  # noqa: PTH123  unbuffered
            size = MEGABYTE
            while size >= 1:
                try:
                    filler.write(b"\0" * size)
                except OSError:
                    size //= 4

    def free(self) -> None:
        """Give the room back."""
        os.unlink(self._filler_path)  # noqa: PTH108  beside its making

    async def discard(self) -> None:
        await self.stop()
        if self._work is not None and self.data_path.is_mount():
            subprocess.run(["umount", "--lazy", str(self.data_path)], check=True)  # noqa: S607  root's own
        await super().discard()

    async def _prepare(self) -> None:
        if not self.data_path.is_mount():
            self.data_path.mkdir(exist_ok=True)
            size = f"size={DISK_MEGABYTES}m,mode=0700,uid={self._identity.uid},gid={self._identity.gid}"
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.data_path)],  # noqa: S607  as above
                capture_output=True,
                text=True,
                check=False,
            )
            assert mounted.returncode == 0, f"a disk that can be full needs root to mount it: {mounted.stderr}"
        await super()._prepare()
