"""Postgres on a disk so small that it can be filled. Leaves when to fill it to the faults."""

from __future__ import annotations

import os
import shutil
import subprocess

from metering.embedded.postgres import PostgresServer

DISK_MEGABYTES = 512
MEGABYTE = 1024 * 1024


class SmallDiskPostgres(PostgresServer):
    """Postgres whose data lies in a file system of `DISK_MEGABYTES`, in memory. Needs the right to mount it.

    Without the right it has an ordinary disk, which `fill` must not be asked to fill. Where the process that mounts is
    killed, the file system stays mounted until somebody unmounts it.
    """

    can_be_filled = True
    """Whether the disk is small; known once started."""

    @property
    def _filler_path(self) -> str:
        return str(self.data_path / "filler")

    def fill(self) -> None:
        """Leave not a byte free."""
        assert self.can_be_filled, "this would fill the disk of the machine"
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
            subprocess.run(["umount", "--lazy", str(self.data_path)], check=True)  # noqa: S607  as in `_prepare`
        await super().discard()

    async def _prepare(self) -> None:
        if self.can_be_filled and not self.data_path.is_mount():
            self.data_path.mkdir(exist_ok=True)
            size = f"size={DISK_MEGABYTES}m,mode=0700,uid={self._identity.uid},gid={self._identity.gid}"
            self.can_be_filled = shutil.which("mount") is not None and (
                subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self.data_path)],  # noqa: S607  the system's own
                    capture_output=True,
                    check=False,
                ).returncode
                == 0
            )
            if not self.can_be_filled:
                self.data_path.rmdir()
        await super()._prepare()
