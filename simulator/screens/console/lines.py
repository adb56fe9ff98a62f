"""Lines from a pipe, read without Python's buffers, so that one can ask whether the next line is there already."""

from __future__ import annotations

import io
import os
import select
from typing import TextIO

MOST_BYTES = 1024 * 1024
"""A line longer than this is cut: it cannot be a command, and a pipe without line ends must not fill the memory."""

_CHUNK = 65536


class LineSource:
    """The lines of a stream, decoded one by one: a line that is no UTF-8 harms no other."""

    def __init__(self, stream: TextIO) -> None:
        self._descriptor: int | None = None
        self._ended = False
        self._bytes = b""
        try:
            self._descriptor = stream.fileno()
        except (OSError, AttributeError, io.UnsupportedOperation):
            self._bytes = stream.read().encode("utf-8", "surrogateescape")  # A string that plays a stream, in a test.
            self._ended = True

    def ready(self, within_s: float = 0.0) -> bool:
        """True when `next` would not wait: a whole line is there, or the end. Waits `within_s` for that at most."""
        while not self._ended and b"\n" not in self._bytes:
            assert self._descriptor is not None
            if not select.select([self._descriptor], [], [], within_s)[0]:
                return False
            self._read()
        return True

    def next(self) -> str | None:
        """The next line without its end; None behind the last one. Waits for it."""
        while not self._ended and b"\n" not in self._bytes:
            self._read()
        if not self._bytes:
            return None
        line, _, self._bytes = self._bytes.partition(b"\n")
        # What is no UTF-8 becomes a sign that the grammar refuses, with its place.
        return line.removesuffix(b"\r").decode("utf-8", "replace")

    def _read(self) -> None:
        assert self._descriptor is not None
        chunk = os.read(self._descriptor, _CHUNK)
        self._ended = not chunk
        if len(self._bytes) < MOST_BYTES or b"\n" in chunk:
            self._bytes += chunk
