"""Reads lines from a pipe without Python's buffers, so that a caller can ask whether the next line is there."""

from __future__ import annotations

import io
import os
import select
from typing import TextIO

MOST_BYTES = 1024 * 1024
"""A longer line is cut: it cannot be a command, and a pipe without line ends must not fill the memory."""

_CHUNK = 65536


class LineSource:
    """The lines of a stream, decoded one by one, so that a line that is not UTF-8 affects no other."""

    def __init__(self, stream: TextIO) -> None:
        self._descriptor: int | None = None
        self._ended = False
        self._bytes = b""
        try:
            self._descriptor = stream.fileno()
        except (OSError, AttributeError, io.UnsupportedOperation):
            self._bytes = stream.read().encode("utf-8", "surrogateescape")  # In a test, a string stands for a stream.
            self._ended = True

    def ready(self, within_s: float = 0.0) -> bool:
        """True when `next` would return at once: a whole line is there, or the end.

        Wait up to `within_s` seconds for that.
        """
        while not self._ended and b"\n" not in self._bytes:
            assert self._descriptor is not None
            if not select.select([self._descriptor], [], [], within_s)[0]:
                return False
            self._read()
        return True

    def next(self) -> str | None:
        """The next line without its end; None after the last one. It blocks."""
        while not self._ended and b"\n" not in self._bytes:
            self._read()
        if not self._bytes:
            return None
        line, _, self._bytes = self._bytes.partition(b"\n")
        # A byte that is not UTF-8 becomes a character that the grammar refuses, with its position.
        return line.removesuffix(b"\r").decode("utf-8", "replace")

    def _read(self) -> None:
        assert self._descriptor is not None
        chunk = os.read(self._descriptor, _CHUNK)
        self._ended = not chunk
        if len(self._bytes) < MOST_BYTES or b"\n" in chunk:
            self._bytes += chunk
