"""The clients' history as Jepsen writes it: EDN, a map a line, times in nanoseconds. Knossos and Elle read it too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from simulator.analysis.run import RecordedRun
from simulator.trace.format import History

_NANOSECONDS = 1_000_000


def jepsen(run: RecordedRun) -> Iterator[str]:
    """The lines of the history. `:index` counts them from 0."""
    index = 0
    for event in run.events:
        if not isinstance(event, History):
            continue
        entry = event.entry
        fields = {
            ":index": str(index),
            ":time": str(round(entry.time * _NANOSECONDS)),
            ":process": str(entry.process),
            ":type": f":{entry.type}",
            ":f": f":{entry.f}",
            ":value": _edn(entry.value),
        }
        if entry.read:
            fields[":read"] = _edn(entry.read)
            fields[":node"] = str(entry.node)
        if entry.anew:
            fields[":anew"] = str(entry.anew)
        yield "{" + ", ".join(f"{key} {value}" for key, value in fields.items()) + "}"
        index += 1


def _edn(value: Any) -> str:
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return "[" + " ".join(map(_edn, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_edn(key)} {_edn(item)}" for key, item in value.items()) + "}"
        case str():
            return msgspec.json.encode(value).decode()  # The escapes of JSON are those of EDN.
        case _:
            return str(value)
