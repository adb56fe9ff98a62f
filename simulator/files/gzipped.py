"""Lines of text into a file, compressed if its name asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from gzip import GzipFile
from io import BufferedWriter
from pathlib import Path
from typing import IO, Any, cast


def write_lines_to(file: IO[bytes], name: str, lines: Iterable[str]) -> int:
    """Write lines into an open file, gzipped if `name` ends in .gz; returns how many."""
    if not name.endswith(".gz"):
        return _copy(lines, file)
    # Neither the name nor the time goes into the file: the same run gives the same bytes.
    with GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed, BufferedWriter(cast("Any", packed)) as out:
        return _copy(lines, out)


def write_text_lines(name: str, lines: Iterable[str]) -> int:
    """Write lines into the file `name`, replacing it. See `write_lines_to`."""
    with Path(name).open("wb") as file:
        return write_lines_to(file, name, lines)


def _copy(lines: Iterable[str], file: IO[bytes]) -> int:
    count = 0
    for line in lines:
        file.write(line.encode() + b"\n")
        count += 1
    return count
