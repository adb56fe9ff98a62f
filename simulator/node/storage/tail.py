"""Follows a file that another process appends to: each read returns its new whole lines."""

from __future__ import annotations

from pathlib import Path

from simulator.node.storage.watched_file import WatchedFile


class Tail:
    """Continues where it stopped. `restarted`: the file was cut or replaced, and is read from its start again."""

    def __init__(self, path: Path) -> None:
        self.restarted = False
        self._file = WatchedFile(path)
        self._at = 0

    def read(self) -> list[bytes]:
        """The new whole lines, without their newlines. A last line without a newline is left for the next read."""
        opened = self._file.open(self._at)
        if opened is None:
            return []
        file, same = opened
        with file:
            self.restarted = self._at > 0 and not same
            if self.restarted:
                self._at = 0
            file.seek(self._at)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._at += whole
        return data[:whole].split(b"\n")[:-1]
