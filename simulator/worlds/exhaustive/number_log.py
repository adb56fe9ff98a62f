"""Whole numbers of 64 bits in the order in which they come, in a file but for the latest ones."""

from __future__ import annotations

import os
import tempfile
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path

from simulator.errors import InputError

IN_MEMORY = 1 << 16
"""How many numbers are collected before they are written."""
WIDTH = 8


class AppendedFile:
    """A file to which bytes are appended, and which is read at any place.

    Without a path it is a temporary one without a name, made when it is first needed.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.size = 0
        self.checksum = 0
        self._fd = -1

    def append(self, raw: bytes) -> int:
        """Write at the end, and return where that was. After an OSError the file is as it was before."""
        at, view = self.size, memoryview(raw)
        try:
            while view:
                written = os.pwrite(self._opened(), view, at + len(raw) - len(view))
                view = view[written:]
        except OSError as error:
            error.filename = error.filename or str(self.path or tempfile.gettempdir())
            raise
        self.size += len(raw)
        self.checksum = zlib.crc32(raw, self.checksum)
        return at

    def read(self, at: int, size: int) -> bytes:
        """The bytes there."""
        return os.pread(self._opened(), size, at)

    def take_up(self, size: int, checksum: int) -> Iterator[bytes]:
        """Read the first `size` bytes of a file of before, and cut off what was written after them.

        Raises:
            InputError: they are not those that were written.
        """
        left, found = size, 0
        while left:
            raw = self.read(size - left, min(left, IN_MEMORY * WIDTH))
            if not raw:
                raise InputError(f"{str(self.path)!r} is damaged: it is shorter than the search that was kept there.")
            found = zlib.crc32(raw, found)
            left -= len(raw)
            yield raw
        if found != checksum:
            raise InputError(f"{str(self.path)!r} is damaged: its checksum is not that of the search kept there.")
        os.ftruncate(self._opened(), size)
        self.size, self.checksum = size, checksum

    def sync(self) -> None:
        """Make all of it durable."""
        if self._fd >= 0:
            os.fsync(self._fd)

    def close(self) -> None:
        """Close it. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()

    def _opened(self) -> int:
        if self._fd < 0:
            if self.path is None:
                with tempfile.TemporaryFile(prefix="paxsim-prove-") as file:
                    self._fd = os.dup(file.fileno())
            else:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
                self._fd = os.open(self.path, flags, 0o666)
        return self._fd


class NumberLog:
    """See the module. `latest` is appended to directly; `settle` is called now and then."""

    def __init__(self, path: Path | None = None) -> None:
        self.file = AppendedFile(path)
        self.latest = array("q")

    def __len__(self) -> int:
        return self.file.size // WIDTH + len(self.latest)

    def __getitem__(self, place: int) -> int:
        written = self.file.size // WIDTH
        if place >= written:
            return self.latest[place - written]
        return array("q", self.file.read(place * WIDTH, WIDTH))[0]

    def settle(self, most: int = IN_MEMORY) -> None:
        """Write what is not written, if it is more than `most`."""
        if len(self.latest) > most:
            self.file.append(self.latest.tobytes())
            del self.latest[:]

    def take_up(self, numbers: int, checksum: int) -> Iterator[array[int]]:
        """Go on with the numbers of before, and return them, a part at a time. Errors as of `AppendedFile.take_up`."""
        for raw in self.file.take_up(numbers * WIDTH, checksum):
            yield array("q", raw)
