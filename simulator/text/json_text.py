"""A value as one JSON document, for a pipe or for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Any

import msgspec

_OBEYED = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""What a terminal may obey: C1 controls and DEL, marks that hide or reverse what follows, line separators."""
_KEPT = "\n\u200d"
"""The ends of lines, and the joiner within emoji."""


def json_text(value: object, *, pretty: bool = False, terminal: bool = False) -> str:
    """The document on one line, or on many. For a terminal, what would act on it is escaped."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:  # A file's name may hold bytes that are no text.
        data = msgspec.json.encode(_encodable(msgspec.to_builtins(value)))
    text = (msgspec.json.format(data, indent=2) if pretty else data).decode()
    if not terminal or (text.isascii() and "\x7f" not in text):
        return text
    # Line ends stand outside of texts only, and these characters nowhere but in texts: an escape means the same.
    return "".join(
        _escaped(sign) if unicodedata.category(sign) in _OBEYED and sign not in _KEPT else sign for sign in text
    )


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value
