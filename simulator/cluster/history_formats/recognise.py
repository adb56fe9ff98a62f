"""Which format a history has, from its first line that is not blank; and its lines as maps of fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from simulator.cluster.history_formats.call_log import is_call_log, read_call_log
from simulator.cluster.history_formats.edn import EdnError, parse_edn, read_edn

Line = tuple[int, bytes]
Fields = tuple[int, Any]
"""The line on which an event stands, and its fields; a text instead of them is what is wrong with the line."""

_TEXT_LOG = re.compile(
    r"(?:.*\s-\s+|\s*)(?P<process>:?[\w-]+)\s+:(?P<type>invoke|ok|fail|info)\s+:(?P<f>[\w*!?<>=+-]+)(?:\s+(?P<value>.*?))?\s*\Z"
)

_VECTOR = re.compile(r"\s*\[\s*(?P<fields>:?[\w-]+\s+:(?:invoke|ok|fail|info)\s.*)\]\s*\Z")
"""The same, each line a vector, as Knossos once wrote them."""


def reader_of(first: bytes) -> str:
    """The format of a history that begins with this line: "json", "json array", "edn", "call log" or "text log"."""
    text = first.lstrip()
    if is_call_log(text):
        return "call log"
    if text.startswith(b"{") and text[1:].lstrip()[:1] in {b'"', b"}", b""}:
        return "json"
    if text.startswith(b"[") and re.match(rb'\[\s*(\{\s*"|\]?\s*\Z)', text):
        return "json array"
    if _VECTOR.match(text.decode("utf-8", "replace")):
        return "text log"
    if text.startswith((b"{", b"[", b"(", b"#", b";")):
        return "edn"
    if _TEXT_LOG.match(text.decode("utf-8", "replace")):
        return "text log"
    return "log" if re.match(rb"[\w:.,\s-]*\b(INFO|WARN|ERROR|DEBUG)\b", text) else "json"


def fields_of(form: str, lines: Iterator[Line]) -> Iterator[Fields]:
    """The events of a history in one of these formats, each as a map; in order."""
    if form == "edn":
        yield from _edn(lines)
    elif form == "call log":
        yield from read_call_log(lines)
    elif form == "json array":
        yield from _json_array(lines)
    else:
        yield from _text_log(lines)


def _edn(lines: Iterator[Line]) -> Iterator[Fields]:
    try:
        for number, value in read_edn((number, line.decode("utf-8", "replace")) for number, line in lines):
            yield number, value if isinstance(value, dict) else "no event of a history (a map of fields is needed)"
    except EdnError as error:
        yield error.line, f"no EDN ({error})"


def _json_array(lines: Iterator[Line]) -> Iterator[Fields]:
    text = b"\n".join(line for _, line in lines)
    try:
        values = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        yield 1, f"no JSON ({error})"
        return
    for number, value in enumerate(values, 1):
        wrong = f"no event of a history (entry {number} of the array is no object)"
        yield 1, value if isinstance(value, dict) else wrong


def _text_log(lines: Iterator[Line]) -> Iterator[Fields]:
    """Lines of Jepsen's log: process, type, operation and value. Lines of other loggers are left out.

    A cas that was compared and did not fit is logged as a failure with its two values: that is an observation.
    """
    for number, line in lines:
        text = line.decode("utf-8", "replace")
        vector = _VECTOR.match(text)
        match = _TEXT_LOG.match(vector["fields"] if vector else text)
        if match is None:
            continue
        fields: dict[str, Any] = match.groupdict()
        try:
            fields["value"] = parse_edn(fields["value"] or "nil")
        except EdnError:
            fields["value"] = None if fields["type"] in {"fail", "info"} else fields["value"]
        fields["process"] = fields["process"].removeprefix(":")
        if fields["type"] == "fail" and fields["f"] == "cas" and isinstance(fields["value"], list):
            fields |= {"type": "ok", "value": False}
        yield number, fields
