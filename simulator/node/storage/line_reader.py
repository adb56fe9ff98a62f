"""Reads a file line by line in bounded memory: one chunk and one line at a time."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.node.storage.disk import Disk

CHUNK = 1 << 20
"""The size of one read, in bytes."""


def lines_of(disk: Disk, name: str) -> Iterator[bytes]:
    r"""Every line of a file with its newline; a torn last line has none.

    Raises:
        OSError: the disk fails, or there is no such file.
    """
    pieces: list[bytes] = []  # The beginning of a line longer than a chunk, joined once.
    for chunk in disk.stream(name, CHUNK):
        lines = chunk.splitlines(keepends=True) if b"\r" not in chunk else _split(chunk)
        if pieces:
            pieces.append(lines[0])
            if not lines[0].endswith(b"\n"):
                continue
            lines[0] = b"".join(pieces)
            pieces = []
        if not lines[-1].endswith(b"\n"):
            pieces.append(lines.pop())
        yield from lines
    if pieces:
        yield b"".join(pieces)


def _split(chunk: bytes) -> list[bytes]:
    # bytes.splitlines ends a line at a carriage return too; JSON text has none, but a damaged file may.
    lines = [line + b"\n" for line in chunk.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
