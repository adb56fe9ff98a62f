"""Reads lines of a node's blockchain.txt from another process, without reading a long file from its start."""

from __future__ import annotations

from pathlib import Path

from simulator.node.storage.watched_file import WatchedFile

_EVERY = 256


class LineIndex:
    """Remembers where every 256th line begins. The file may grow, shrink or be replaced."""

    def __init__(self, path: Path) -> None:
        self._file = WatchedFile(path)
        self._marks = [0]  # Where lines 1, 257, 513, … begin.
        self._size = 0

    def lines(self, first: int, last: int) -> list[str]:
        """Lines `first` to `last`, counted from 1. Only whole lines; an empty list when there is no file."""
        opened = self._file.open(self._size)
        if opened is None:
            return []
        file, same = opened
        found: list[str] = []
        with file:
            if not same:
                self._marks, self._size = [0], 0
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
