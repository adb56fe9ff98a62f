"""A recorded history: calls of clients and their answers, one event a line, in Jepsen's convention.

`invoke` has the argument, `ok` the result. A `fail` certainly had no effect. An `info`, or a call without a return, may
take effect once at any later time, or never. `tests/histories/README.md` lists the operations of each model. A history
is a file of its own or part of a trace; either may be gzipped.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from simulator.cluster.history_formats.recognise import fields_of, reader_of
from simulator.errors import InputError
from simulator.files.bounded_lines import check_nesting, is_torn, memory_of, opened_lines
from simulator.files.names import expanded

EventType = Literal["invoke", "ok", "fail", "info"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a history. `time` only orders events; the recorders here give milliseconds of cluster time.

    `read` is "local" on every event of a read that a node answered from its own blog; `node` is then that node.
    A node that has lost its memory begins anew, with what is left of its blog: `anew` counts how often it had.
    """

    process: int
    type: EventType
    f: str
    value: object = None
    time: float = 0
    read: Literal["", "local"] = ""
    node: int = 0
    anew: int = 0


MOST_MEMORY_BYTES = 2 << 30
"""The memory, roughly, that the events of one file may take. That is some four million events."""
MOST_FAULTS = 1_000
"""After so many invalid lines no more of a file are read."""


@dataclass(slots=True)
class Recording:
    """The events of a file, and the line of each. `faults` lists the invalid lines: (line, what is wrong).

    `nemesis` has what no client said: the events of Jepsen's nemesis, under whatever name, with the line of each.
    `before` is how many blocks a node had at its first start in a trace: the trace does not contain these.
    """

    path: Path
    events: list[Event] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    nemesis: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    before: int = 0
    is_trace: bool = False


def is_trace(first_line: bytes) -> bool:
    """True for the first line of a trace: an object with the key "trace"."""
    try:
        return _decode_first(first_line).trace is not msgspec.UNSET
    except (ValueError, RecursionError):
        return False


def read_recording(name: str | Path, until: float | None = None) -> Recording:
    """Read a history, or the history in a trace. `until` is a moment of `time.monotonic`.

    Raises:
        InputError: there is no such file, or it cannot be read, or it is too large. Invalid lines are listed in
            `faults`.
        ReadingTimedOut: `until` is over.
    """
    recording = Recording(expanded(name))
    with opened_lines(recording.path, until, torn=True) as file:
        lines = enumerate(_bounded(recording, file), 1)
        first = next(((number, line) for number, line in lines if line.strip()), None)
        if first is None:
            return recording
        recording.is_trace = is_trace(first[1])
        if recording.is_trace:
            _read_trace(recording, lines)
            return recording
        begun = [first]
        if b"".join(first[1].split()) in {b"[", b"(", b"[{", b"({"}:  # What stands in it decides.
            begun += [(number, line) for number, line in islice(lines, 1) if line]
        form = reader_of(b"".join(line for _, line in begun))
        if form == "json":
            for number, text in chain(begun, lines):
                _read_event(recording, number, text)
        else:
            for number, fields in fields_of(form, chain(begun, lines)):
                _take_fields(recording, number, fields)
    return recording


def write_history(name: str | Path, events: Iterable[Event]) -> None:
    """Write a history, one event a line; gzipped when the name ends in .gz.

    Raises:
        OSError: the file cannot be written.
    """
    path = expanded(name)
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


def _bounded(recording: Recording, lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines, as long as what is kept of them fits into memory."""
    memory = 0
    for line in lines:
        memory += memory_of(line)
        if memory > MOST_MEMORY_BYTES and not recording.is_trace:
            raise InputError(
                f"{recording.path}, line {len(recording.events) + 1}: the events before it take some "
                f"{MOST_MEMORY_BYTES >> 30} GiB of memory, which is the most that is judged: split the history."
            )
        yield line
        if len(recording.faults) >= MOST_FAULTS:
            return


_TYPES = frozenset({"invoke", "ok", "fail", "info"})
_BYTE = re.compile(r" \(byte \d+\)")
_decode_first = msgspec.json.Decoder(_First).decode
_decode_event = msgspec.json.Decoder(Event).decode
_decode_trace_line = msgspec.json.Decoder(_TraceLine).decode


def _read_event(recording: Recording, number: int, text: bytes) -> None:
    try:
        check_nesting(text)
    except ValueError as error:
        recording.faults.append((number, _what_is_wrong(error)))
        return
    try:
        recording.events.append(_decode_event(text))
    except (ValueError, RecursionError) as error:
        if not text.strip():
            return
        fields = _fields_of_another_tool(text)
        if fields is None:
            recording.faults.append((number, _what_is_wrong(error)))
        else:
            _take_fields(recording, number, fields)
    else:
        recording.lines.append(number)


def _fields_of_another_tool(text: bytes) -> dict[str, Any] | None:
    """The fields of a line of JSON that this lab did not write: its process is a text, or the name of its node is."""
    try:
        fields = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    foreign = isinstance(fields.get("process"), str) or not _is_local_read(fields)
    return fields if foreign and {"process", "type", "f"} <= fields.keys() else None


def _is_local_read(fields: dict[str, Any]) -> bool:
    """Whether `read` and `node` are what they are here. Jepsen names the node that a client asked in `node`."""
    return fields.get("read") == "local"


def _take_fields(recording: Recording, number: int, fields: Any) -> None:
    """Take the fields of an event of another tool, or of a line that a nemesis wrote."""
    if not isinstance(fields, dict):
        recording.faults.append((number, fields if isinstance(fields, str) else "no event of a history"))
        return
    process = fields.get("process")
    if isinstance(process, str) and process.isdecimal() and len(process) < 19:
        process = int(process)
    if isinstance(process, str) and (fields.get("type") == "info" or "nemesis" in process.lower()):
        recording.nemesis.append((number, fields))
        return
    value = [fields["key"], fields.get("value")] if "key" in fields else fields.get("value")
    kind, f, moment = fields.get("type"), fields.get("f"), fields.get("time", 0)
    plain = type(kind) is str and type(f) is str and type(moment) is int
    usual = plain and kind in _TYPES and not _is_local_read(fields)
    if type(process) is int and usual:  # Nothing is left to be checked.
        recording.events.append(
            Event(process=process, type=cast("EventType", kind), f=cast("str", f), value=value, time=moment)
        )
        recording.lines.append(number)
        return
    names = ("type", "f", "time", *(("read", "node", "anew") if _is_local_read(fields) else ()))
    known = {key: fields[key] for key in names if key in fields}
    try:
        event = msgspec.convert({**known, "process": process, "value": value}, Event)
    except msgspec.ValidationError as error:
        recording.faults.append((number, f"no event of a history ({error})"))
        return
    recording.events.append(event)
    recording.lines.append(number)


def _read_trace(recording: Recording, lines: Iterator[tuple[int, bytes]]) -> None:
    """Read the history, and the chain length at the first start; `simulator/trace` reads the rest."""
    grown = False
    for number, text in lines:
        try:
            check_nesting(text)
            line = _decode_trace_line(text)
        except (ValueError, RecursionError) as error:
            if not is_torn(text, error):
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
