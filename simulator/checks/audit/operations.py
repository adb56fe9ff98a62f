"""Reads the operations of T and of the journal strictly, and replays them on a blog."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

_KEYS = ["op", "username", "title", "content", "id"]
_ID = re.compile(r".+:(0|[1-9][0-9]{0,18})", re.DOTALL)


def operations_of(text: bytes) -> tuple[list[dict[str, str]], str]:
    """The operations of a T and ""; or an empty list and what is wrong with T."""
    try:
        found = msgspec.json.decode(text)
        again = msgspec.json.encode(found)
    except (ValueError, RecursionError) as error:
        return [], f"its T is no JSON ({error})"
    if not isinstance(found, list):
        return [], "its T is no list of operations"
    for number, operation in enumerate(found, 1):
        fault = _fault(operation)
        if fault:
            return [], f"operation {number} of its T {fault}"
    if again != text:  # Spaces, needless escapes, repeated keys.
        return [], "its T is not written compactly"
    return found, ""


def _fault(operation: object) -> str:
    if not isinstance(operation, dict) or list(operation) != _KEYS:
        return f"has other keys than {', '.join(_KEYS)}, in this order"
    for key, value in operation.items():
        if not isinstance(value, str):
            return f"has a {key} that is no text"
    if operation["op"] not in {"POST", "COMMENT"}:
        return "is neither POST nor COMMENT"
    if not _ID.fullmatch(operation["id"]):
        return "has an id that is not <client>:<seq>"
    return ""


class ChainReplay:
    """A second implementation of the blog rules: unique titles, comments need a post, a request takes effect once."""

    def __init__(self) -> None:
        self._titles: set[str] = set()
        self._seen: set[str] = set()

    def effects(self, height: int, operations: Iterable[dict[str, str]]) -> list[bytes]:
        """The lines of blog.txt for the operations of this block, without newlines."""
        lines = []
        for operation in operations:
            if operation["id"] in self._seen:
                continue
            self._seen.add(operation["id"])
            title = operation["title"]
            if (operation["op"] == "POST") == (title in self._titles):
                continue  # A duplicate title, or a comment without its post.
            self._titles.add(title)
            shown = {key: value for key, value in operation.items() if key != "id"}
            lines.append(b'{"height":%d,%b' % (height, msgspec.json.encode(shown)[1:]))
        return lines
