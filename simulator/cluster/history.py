"""A recorded history: calls of clients and their answers, one event a line, in Jepsen's convention.

`invoke` has the argument, `ok` the result. A `fail` certainly had no effect. An `info`, or a call without a return, may
take effect once at any later time, or never. `tests/histories/README.md` lists the operations of each model. A history
is a file of its own or part of a trace; either may be gzipped.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, cast

import msgspec

from simulator.errors import InputError

EventType = Literal["invoke", "ok", "fail", "info"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a history. `time` only orders events; the recorders here give milliseconds of cluster time.

    `read` is "local" on every event of a read that a node answered from its own blog; `node` is then that node.
    """

    process: int
    type: EventType
    f: str
    value: object = None
    time: float = 0
    read: Literal["", "local"] = ""
    node: int = 0


@dataclass(slots=True)
class Recording:
    """The events of a file, and the line of each. `faults` lists the invalid lines: (line, what is wrong).

    `before` is how many blocks a node had at its first start in a trace: the trace does not contain these.
    """

    path: Path
    events: list[Event] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    before: int = 0
    is_trace: bool = False


def is_trace(first_line: bytes) -> bool:
    """True for the first line of a trace: an object with the key "trace"."""
    try:
        return _decode_first(first_line).trace is not msgspec.UNSET
    except (ValueError, RecursionError):
        return False


def read_recording(name: str | Path) -> Recording:
    """Read a history, or the history in a trace.

    Raises:
        InputError: there is no such file, or it cannot be read. Invalid lines are listed in `faults`.
    """
    recording = Recording(Path(name).expanduser())
    with _opened(recording.path) as file:
        lines = enumerate(file, 1)
        number, first = next(lines, (1, b""))
        recording.is_trace = is_trace(first)
        if recording.is_trace:
            _read_trace(recording, lines)
        else:
            _read_event(recording, number, first)
            for number, text in lines:
                _read_event(recording, number, text)
            if not (recording.events or recording.faults):
                recording.faults.append((1, "no event: a history has one a line"))
    return recording


def write_history(name: str | Path, events: Iterable[Event]) -> None:
    """Write a history, one event a line; gzipped when the name ends in .gz.

    Raises:
        OSError: the file cannot be written.
    """
    path = Path(name).expanduser()
    encode = msgspec.json.Encoder().encode
    with gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb") as file:
        file.writelines(encode(event) + b"\n" for event in events)


class _First(msgspec.Struct, frozen=True):
    trace: object = msgspec.UNSET


class _Began(msgspec.Struct, frozen=True):
    height: int = 0


class _TraceLine(msgspec.Struct, frozen=True):
    """The fields of a trace line that this module reads (docs/trace.md)."""

    event: str
    entry: Event | None = None
    found: _Began = _Began()


_BYTE = re.compile(r" \(byte \d+\)")
_decode_first = msgspec.json.Decoder(_First).decode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_trace_line = msgspec.json.Decoder(_TraceLine).decode


def _read_event(recording: Recording, number: int, text: bytes) -> None:
    try:
        recording.events.append(_decode_event(text))
    except (ValueError, RecursionError) as error:
        if text.strip():
            recording.faults.append((number, _what_is_wrong(error)))
    else:
        recording.lines.append(number)


def _read_trace(recording: Recording, lines: Iterator[tuple[int, bytes]]) -> None:
    """Read the history, and the chain length at the first start; `simulator/trace` reads the rest."""
    grown = False
    for number, text in lines:
        try:
            line = _decode_trace_line(text)
        except (ValueError, RecursionError) as error:
            recording.faults.append((number, _what_is_wrong(error)))
            continue
        if line.entry is not None:
            recording.events.append(line.entry)
            recording.lines.append(number)
        elif line.event == "applied":
            grown = True
        elif line.event == "recovered" and not grown:
            recording.before = max(recording.before, line.found.height)


def _what_is_wrong(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"no event of a history ({error})"
    return f"no JSON ({_BYTE.sub('', str(error))})"


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked if it is gzipped, whatever its name."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if packed:
                with gzip.open(plain) as unpacked:
                    yield cast("IO[bytes]", unpacked)
            elif path.suffix == ".gz":
                raise InputError(f"{str(path)!r} is called .gz and is not gzipped: rename it, or pack it with gzip.")
            else:
                yield plain
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{str(path)!r} cannot be read: {why}.") from None
    except ValueError as error:  # A name that no file can have.
        raise InputError(f"{str(path)!r} cannot be read: {error}.") from None
