"""A file that another process writes: it may grow, shrink, be replaced or be missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


class WatchedFile:
    """Opens `path` for reading, and reports whether offsets found earlier still hold."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None

    def open(self, read_to: int) -> tuple[BinaryIO, bool] | None:
        """The open file, and whether it is the same one and has at least `read_to` bytes; None when it is missing.

        The first file ever opened counts as another one. The caller closes the file.
        """
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return None
        status = os.fstat(file.fileno())
        identity = (status.st_dev, status.st_ino)
        same = identity == self._identity and status.st_size >= read_to
        self._identity = identity
        return file, same
