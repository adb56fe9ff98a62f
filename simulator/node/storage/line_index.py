"""Reads lines of a node's blockchain.txt from another process, without reading a long file from its start."""

from __future__ import annotations

import os
from pathlib import Path

NAME = "blockchain.txt"
_EVERY = 256


class ChainReader:
    """Remembers where every 256th line begins, and reads on from there. The file may grow, shrink or be replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._marks = [0]  # Where lines 1, 257, 513, … begin.
        self._identity: tuple[int, int] | None = None
        self._size = 0

    def lines(self, first: int, last: int) -> list[str]:
        """Lines `first` to `last`, counted from 1, cut to the whole lines there are; [] without a file."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return []
        found: list[str] = []
        with file:
            self._notice_another_file(file.fileno())
            first = max(first, 1)
            mark = min((first - 1) // _EVERY, len(self._marks) - 1)
            at = self._marks[mark]
            file.seek(at)
            number = mark * _EVERY
            for line in file:
                if number >= last or not line.endswith(b"\n"):
                    break
                number += 1
                at += len(line)
                if number % _EVERY == 0 and number // _EVERY == len(self._marks):
                    self._marks.append(at)
                if number >= first:
                    found.append(line[:-1].decode("utf-8", "replace"))
            self._size = max(self._size, at)
        return found

    def _notice_another_file(self, fd: int) -> None:
        status = os.fstat(fd)
        identity = (status.st_dev, status.st_ino)
        if identity != self._identity or status.st_size < self._size:
            self._identity, self._marks, self._size = identity, [0], 0
