"""Text that people and files gave us, made safe to show: what could move a cursor or hide a word becomes visible."""

from __future__ import annotations

import unicodedata

_NAMED = {"\n": "⏎", "\t": "⇥"}


def _visible(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode draws a picture of each control character: ␛ for escape.
    if code == 0x7F:
        return "␡"
    # Cc: C1 controls. Cf: marks that hide or turn around what follows. Cs: halves of a character no terminal takes.
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character != "\u200d":
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def safe(text: str) -> str:
    """Return `text` as one line without control characters: each is drawn as a visible sign instead."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))
