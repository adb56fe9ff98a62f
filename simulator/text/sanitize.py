"""Text of people and files, made safe to show: characters that move the cursor or hide text become visible."""

from __future__ import annotations

import unicodedata

_NAMED = {"\n": "⏎", "\t": "⇥"}


def _visible(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode has a visible symbol for each control character: ␛ for escape.
    if code == 0x7F:
        return "␡"
    # Cc: C1 controls. Cf: marks that hide or reverse what follows. Cs: halves of a character, invalid in a terminal.
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character != "\u200d":
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def safe(text: str) -> str:
    """Return `text` as one line without control characters: each is drawn as a visible sign instead."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))
