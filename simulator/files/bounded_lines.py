"""The lines of a text file, plain or gzipped, read in a stream and within bounds.

The file may come from a stranger. A line without end, a bracket within a bracket ten thousand times, or a small archive
that unpacks to terabytes is refused with one sentence. A pipe without a writer is refused and not waited for.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from simulator.errors import InputError
from simulator.files.names import kind_of_file, unusable

MOST_LINE_BYTES = 16 << 20
MOST_LINES = 20_000_000
MOST_BYTES = 8 << 30
"""The bound of a file, unpacked."""
MOST_NESTING = 100
"""How many brackets of a line may be open at once. No line of a history or trace needs more than ten."""
MOST_RATIO = 100
FREE_BYTES = 32 << 20
"""A gzipped file may unpack to `MOST_RATIO` times what was read of it, and to `FREE_BYTES` in any case."""

_CHUNK_BYTES = 1 << 18
_GZIP = b"\x1f\x8b"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?')
_OPENS, _CLOSES = b"[{(", b"]})"
_BYTES_EACH = 60


class ReadingTimedOut(Exception):
    """The time for reading a file is over."""


class UnendedLine(bytes):
    """The last line of a file, without an end: whoever wrote it may have been killed within it."""


def is_torn(line: bytes, error: Exception) -> bool:
    """True when `line`, which is no JSON because of `error`, is the unended beginning of a line."""
    return isinstance(line, UnendedLine) and "truncated" in str(error)


@contextmanager
def opened_lines(path: Path, until: float | None = None, *, torn: bool = False) -> Iterator[Iterator[bytes]]:
    """The lines of the file, without their ends. It is unpacked if its content is gzipped, whatever its name.

    `until` is a moment of `time.monotonic`. With `torn`, an archive whose end is missing is read as far as it goes.

    Raises:
        InputError: it cannot be read, is no regular file, or leaves the bounds; also while lines are taken.
        ReadingTimedOut: `until` is over; while lines are taken.
    """
    with _opened(path) as plain:
        packed: IO[bytes] | None = None
        file: IO[bytes] = plain
        try:
            if plain.read(2) == _GZIP:
                packed = plain
                file = cast("IO[bytes]", gzip.GzipFile(fileobj=plain))
            elif path.suffix == ".gz":
                raise InputError(f"{str(path)!r} is called .gz and is not gzipped: rename it, or pack it with gzip.")
            plain.seek(0)
        except OSError as error:
            raise unusable(path, "read", error) from None
        yield _lines(path, file, packed, until, torn=torn)


def check_nesting(line: bytes) -> None:
    """Refuse a line that has more brackets open at once than any line needs.

    Raises:
        ValueError: it has.
    """
    opening = line.count(b"[") + line.count(b"{") + line.count(b"(")
    if opening > MOST_NESTING and _nesting(line) > MOST_NESTING:
        raise ValueError(f"more than {MOST_NESTING} brackets are open at once")


def memory_of(line: bytes) -> int:
    """About how many bytes the values of a line of JSON take in memory."""
    return len(line) + _BYTES_EACH * (line.count(b",") + line.count(b"[") + line.count(b"{"))


def read_bytes(path: Path, most_bytes: int) -> bytes:
    """A whole small file.

    Raises:
        InputError: it cannot be read, is no regular file, or is larger than `most_bytes`.
    """
    with _opened(path) as file:
        try:
            raw = file.read(most_bytes + 1)
        except OSError as error:
            raise unusable(path, "read", error) from None
    if len(raw) > most_bytes:
        raise InputError(f"{str(path)!r} is larger than {most_bytes >> 20} MiB, the most that is read.")
    return raw


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    """The file, open for reading, if it is a regular one: a pipe without a writer would be waited for.

    Raises:
        InputError: it cannot be read, or is no regular file.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise unusable(path, "read", error) from None
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        raise InputError(f"{str(path)!r} cannot be read: it is {kind_of_file(mode)}, and a file is needed.")
    with os.fdopen(fd, "rb") as file:
        yield file


def _lines(
    path: Path, file: IO[bytes], packed: IO[bytes] | None, until: float | None, *, torn: bool
) -> Iterator[bytes]:
    rest = b""
    total = number = 0
    for chunk in _chunks(path, file, torn=torn):
        if until is not None and time.monotonic() > until:
            raise ReadingTimedOut
        total += len(chunk)
        if packed is not None and total > max(FREE_BYTES, MOST_RATIO * packed.tell()):
            raise InputError(
                f"{str(path)!r} unpacks to more than {MOST_RATIO} times its size ({total >> 20} MiB so far), as no "
                f"history or trace of a lab does."
            )
        if total > MOST_BYTES:
            raise InputError(f"{str(path)!r} is larger than {MOST_BYTES >> 30} GiB: split it.")
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if number + len(lines) > MOST_LINES:
            raise InputError(f"{str(path)!r} has more than {MOST_LINES} lines: split it.")
        for line in lines:
            number += 1
            _check_line(path, number, line)
            yield line
        _check_line(path, number + 1, rest)
    if rest:
        yield UnendedLine(rest)


def _chunks(path: Path, file: IO[bytes], *, torn: bool) -> Iterator[bytes]:
    read = getattr(file, "read1", file.read)  # What stands before the missing end of an archive is kept.
    while True:
        try:
            chunk = read(_CHUNK_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            if torn and isinstance(error, EOFError):
                return
            raise unusable(path, "read", error) from None
        if not chunk:
            return
        yield chunk


def _check_line(path: Path, number: int, line: bytes) -> None:
    if len(line) > MOST_LINE_BYTES:
        raise InputError(f"{path}, line {number}: it is longer than {MOST_LINE_BYTES >> 20} MiB.")


def _nesting(line: bytes) -> int:
    """How many brackets are open at once; it stops counting above the bound."""
    depth = deepest = 0
    for sign in _STRING.sub(b"", line):
        if sign in _OPENS:
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > MOST_NESTING:
                    break
        elif sign in _CLOSES:
            depth -= 1
    return deepest
