"""The logs of Violin: `[4] call push(7)` and `[4] return`, an operation by its number, with comments behind `#`.

A comment `# @object atomic-queue` names the object; its operations may then be called add and remove, or put and get. A
return of `empty` is one of nothing. The format is described at github.com/imdea-software/violin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_OBJECT = re.compile(r"#.*@object\s+[\w-]*?(?P<object>stack|queue|set|register)\s*\Z")
_CALL = re.compile(r"\[(?P<id>\d{1,18})\]\s*call\s+(?P<method>\w+)\s*(?:\((?P<values>[^()]*)\))?\s*\Z")
_RETURN = re.compile(r"\[(?P<id>\d{1,18})\]\s*ret(?:urn)?(?:\s+(?P<values>.+?))?\s*\Z")
_INTEGER = re.compile(r"[+-]?\d{1,30}\Z")

_PUTS, _TAKES = ("add", "put", "push", "enqueue", "insert"), ("rem", "remove", "get", "pop", "dequeue")
_NAMES = {
    name: {**dict.fromkeys(_PUTS, put), **dict.fromkeys(_TAKES, take)}
    for name, put, take in (("stack", "push", "pop"), ("queue", "enqueue", "dequeue"))
}


def is_call_log(first: bytes) -> bool:
    """True for a first line of this format: a comment, or a call."""
    return re.match(rb"#(\s|@|\Z)|\[\d+\]\s*call\b", first) is not None


def read_call_log(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Any]]:
    """The events of the log, each as a map with the line on which it stands; or a text that says what is wrong."""
    names: dict[str, str] = {}
    called: dict[str, str] = {}
    for number, raw in lines:
        line = raw.decode("utf-8", "replace")
        named = _OBJECT.search(line)
        if named is not None:
            names = _NAMES.get(named["object"], {})
        text = line.partition("#")[0].strip()
        if text:
            yield number, _event(text, names, called)


def _event(text: str, names: dict[str, str], called: dict[str, str]) -> dict[str, Any] | str:
    match = _CALL.match(text)
    if match is not None:
        called[match["id"]] = f = names.get(match["method"], match["method"])
        return {"process": int(match["id"]), "type": "invoke", "f": f, "value": _value(match["values"])}
    match = _RETURN.match(text)
    if match is None:
        return "neither a call, such as '[1] call push(7)', nor a return, such as '[1] return'"
    if match["id"] not in called:
        return f"a return of operation {match['id'][:20]}, which is not open"
    return {"process": int(match["id"]), "type": "ok", "f": called.pop(match["id"]), "value": _value(match["values"])}


def _value(text: str | None) -> Any:
    """What stands in the brackets, or behind the return: nothing, one value, or a list of them."""
    values = [int(one) if _INTEGER.match(one) else one for one in (text or "").replace(",", " ").split()]
    if not values or values == ["empty"]:
        return None
    return values[0] if len(values) == 1 else values
