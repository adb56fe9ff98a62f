"""The disk as storage sees it: named files in one folder, appended to, synced, and replaced as a whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Sizes and offsets are bytes. Every failure is an `OSError`; after one the node stops and never retries."""

    def exists(self, name: str) -> bool:
        """True when a file of this name exists, even an empty one."""
        ...

    def size(self, name: str) -> int:
        """The length of the file, the part that is not synced included.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def read(self, name: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """The bytes from `offset` on, at most `length`, fewer only at the end of the file.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def append(self, name: str, data: bytes) -> None:
        """Add to the end, making the file if there is none. Until `sync` returns, a crash may keep only a beginning."""
        ...

    def sync(self, name: str) -> None:
        """Return once all appended data, and the file's name in its folder, survive a power loss."""
        ...

    def check_present(self) -> None:
        """Check that every file that was opened still has its name: a removed or replaced file keeps nothing.

        Raises:
            OSError: one was removed or replaced, or its folder was.
        """
        ...

    def truncate(self, name: str, size: int) -> None:
        """Cut the file to `size` bytes; durable after the next `sync`.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def replace(self, name: str, data: bytes) -> None:
        """Replace the whole file by `data`, durably: a crash leaves the old one or the new one, never a mix."""
        ...

    def stream(self, name: str, chunk: int) -> Iterator[bytes]:
        """The file from its beginning, `chunk` bytes at a time, the last piece shorter.

        Raises:
            FileNotFoundError: there is none.
        """
        ...


Place = tuple[int, int]
"""The device and the inode of a directory: they stay when it is renamed, and another one in its place has others."""


def place_of(directory: Path | str | int) -> Place:
    """The place of a directory, given by its path or as a file descriptor.

    Raises:
        OSError: there is none.
    """
    found = os.stat(directory)  # noqa: PTH116  It may be a descriptor.
    return found.st_dev, found.st_ino


def check_home(directory: Path | str | int, home: Place | None, name: str) -> None:
    """Refuse a directory that is not `home`, whatever its `name`; None stands for any.

    Raises:
        OSError: it is another one, or there is none.
    """
    if home is not None and place_of(directory) != home:
        raise gone(name)


def gone(name: str) -> OSError:
    """The error for a file that is not any more the one that the node opened."""
    return OSError(errno.ESTALE, "it was removed or replaced while the node ran", name)
