"""Follows a file that another process appends to: each read returns its new whole lines."""

from __future__ import annotations

import os
from pathlib import Path


class Tail:
    """Continues where it stopped. `restarted`: the file was cut or replaced, and is read from its start again."""

    def __init__(self, path: Path) -> None:
        self.restarted = False
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._at = 0

    def read(self) -> list[bytes]:
        """The lines that were added, without their newlines; a last line without one is still being written."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return []
        with file:
            status = os.fstat(file.fileno())
            identity = (status.st_dev, status.st_ino)
            self.restarted = self._at > 0 and (identity != self._identity or status.st_size < self._at)
            self._identity = identity
            if self.restarted:
                self._at = 0
            file.seek(self._at)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._at += whole
        return data[:whole].split(b"\n")[:-1]
