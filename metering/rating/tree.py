"""The files of a rates tree, in a directory or in memory. Leaves what they hold to `catalog`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

_OUTSIDE = "lies outside the rates directory"


class Tree(Protocol):
    """Files by their name below the tree's root, `/` between folders."""

    @property
    def place(self) -> str:
        """What the tree is called in messages."""

    def names(self, folder: str, extension: str) -> list[str]:
        """Return the files of one folder with this extension, sorted."""

    def read(self, name: str) -> bytes:
        """Return a file. Raises OSError where there is none, ValueError for a name that leads out of the tree."""


class DirectoryTree:
    """The files below a directory, read when they are asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def place(self) -> str:
        """The directory."""
        return str(self._directory)

    def names(self, folder: str, extension: str) -> list[str]:
        """Return the files of one folder with this extension, sorted."""
        return sorted(f"{folder}/{path.name}" for path in (self._directory / folder).glob(f"*.{extension}"))

    def read(self, name: str) -> bytes:
        """Return a file. Raises OSError where there is none, ValueError for a name that leads out of the directory."""
        path = (self._directory / name).resolve()
        if not path.is_relative_to(self._directory.resolve()):
            raise ValueError(_OUTSIDE)
        return path.read_bytes()


class FilesTree:
    """Files held in memory: one immutable version."""

    def __init__(self, files: Mapping[str, bytes], place: str) -> None:
        self._files = files
        self._place = place

    @property
    def place(self) -> str:
        """Where the files came from."""
        return self._place

    def names(self, folder: str, extension: str) -> list[str]:
        """Return the files of one folder with this extension, sorted."""
        start, end = f"{folder}/", f".{extension}"
        return sorted(
            name
            for name in self._files
            if name.startswith(start) and name.endswith(end) and "/" not in name[len(start) :]
        )

    def read(self, name: str) -> bytes:
        """Return a file. Raises OSError where there is none."""
        if name not in self._files:
            raise FileNotFoundError(f"no file {name}")
        return self._files[name]
