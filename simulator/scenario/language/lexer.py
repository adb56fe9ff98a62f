"""Splits a line into words as a shell does: quotes, backslashes, a comment; and the call form `POST(a, b, "c, d")`.

It knows no commands. Columns count characters from 1.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from simulator.scenario.language.errors import ParseError

_CALL = re.compile(r"([A-Za-z]+)\s*\(")


class Word(NamedTuple):
    """One word. `bare` is true when no part was quoted or escaped, so that it can be a keyword or an option."""

    text: str
    column: int
    bare: bool


class SplitLine(NamedTuple):
    """The words of a line. `call` is true for the call form, `background` when the line ends in a bare `&`."""

    words: tuple[Word, ...]
    call: bool
    background: bool
    end: int  # The column after the last character that counts.


class _Reader:
    """Reads the words of `text` from `place` (from 0) on."""

    def __init__(self, text: str, place: int = 0) -> None:
        self.text = text
        self.place = place

    def skip_blanks(self) -> None:
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1

    def at_end(self) -> bool:
        """True at the end of the line or at a comment."""
        return self.place >= len(self.text) or self.text[self.place] == "#"

    def word(self, stops: str, *, keep_blanks: bool = False) -> Word:
        """The next word, up to a blank (unless `keep_blanks`) or one of `stops`."""
        start = self.place
        characters: list[str] = []
        bare = True
        solid = 0  # Trailing blanks before this position are kept.
        while self.place < len(self.text):
            sign = self.text[self.place]
            if sign in stops or (sign.isspace() and not keep_blanks):
                break
            if sign in "'\"":
                characters.extend(self._quoted(sign))
                bare, solid = False, len(characters)
            elif sign == "\\":
                characters.append(self._escaped())
                bare, solid = False, len(characters)
            else:
                characters.append(sign)
                self.place += 1
                solid = solid if sign.isspace() else len(characters)
        return Word("".join(characters[:solid]), start + 1, bare)

    def _quoted(self, quote: str) -> list[str]:
        opened = self.place
        characters: list[str] = []
        self.place += 1
        while self.place < len(self.text):
            sign = self.text[self.place]
            following = self.text[self.place + 1 : self.place + 2]
            self.place += 1
            if sign == quote:
                return characters
            if sign == "\\" and quote == '"' and following and following in '"\\':
                sign = following
                self.place += 1
            characters.append(sign)
        raise ParseError(opened + 1, f"the quote {quote} that opens here is never closed: write {quote} at its end.")

    def _escaped(self) -> str:
        if self.place + 1 >= len(self.text):
            raise ParseError(self.place + 1, r"nothing follows this backslash: write \\ for a backslash itself.")
        self.place += 2
        return self.text[self.place - 1]


def split_line(text: str) -> SplitLine:
    """Return the words of one line; none for an empty line or a comment.

    Raises:
        Mistake: a quote or bracket without its partner, a backslash at the end, a control character.
    """
    _refuse_junk(text)
    reader = _Reader(text)
    prefix = _prefix(reader)
    reader.skip_blanks()
    call = _CALL.match(text, reader.place)
    words = _call_words(reader, call) if call else _plain_words(reader)
    reader.skip_blanks()
    background = False
    while call and not reader.at_end() and not background:
        extra = reader.word("")
        background = extra.text == "&"
        if extra.text.startswith("--"):
            words.append(extra)
        elif not background:
            raise ParseError(
                extra.column, f"{extra.text!r} follows the closing bracket: only & and options may stand there."
            )
        reader.skip_blanks()
    if not reader.at_end():
        raise ParseError(reader.place + 1, "something follows the &: it ends the line.")
    end = len(text[: reader.place].rstrip()) + 1
    if not call and words and words[-1].bare and words[-1].text.endswith("&"):
        background = True
        last = words.pop()
        if last.text != "&":
            words.append(Word(last.text[:-1], last.column, bare=True))
    return SplitLine((*prefix, *words), bool(call), background, end)


def _prefix(reader: _Reader) -> list[Word]:
    """Split off `@3` and `at 2s` before a command, which may be a call."""
    words: list[Word] = []
    while True:
        reader.skip_blanks()
        if re.match(r"@\s*\S", reader.text[reader.place :]):
            words.append(reader.word(""))
            if words[-1].text == "@":
                reader.skip_blanks()
                following = reader.word("")
                words[-1] = Word("@" + following.text, words[-1].column, following.bare)
        elif re.match(r"at\s+[^(\s]", reader.text[reader.place :], re.IGNORECASE):
            words.append(reader.word(""))
            reader.skip_blanks()
            words.append(reader.word(""))
        else:
            return words


def _plain_words(reader: _Reader) -> list[Word]:
    words: list[Word] = []
    reader.skip_blanks()
    while not reader.at_end():
        words.append(reader.word(""))
        reader.skip_blanks()
    return words


def _call_words(reader: _Reader, call: re.Match[str]) -> list[Word]:
    words = [Word(call[1], call.start() + 1, bare=True)]
    bracket = call.end()
    reader.place = bracket
    reader.skip_blanks()
    if reader.text[reader.place : reader.place + 1] == ")":
        reader.place += 1
        return words
    while True:
        reader.skip_blanks()
        words.append(reader.word(",)", keep_blanks=True))
        stop = reader.text[reader.place : reader.place + 1]
        if not stop:
            raise ParseError(bracket, "the bracket ( that opens here is never closed: write ) at its end.")
        reader.place += 1
        if stop == ")":
            return words


def _refuse_junk(text: str) -> None:
    for column, sign in enumerate(text, start=1):
        if sign == "\t" or sign.isprintable() or sign == " ":
            continue
        kind = unicodedata.category(sign)
        if kind == "Cc":
            raise ParseError(
                column, f"a control character (code {ord(sign):#04x}) stands here: a scenario is plain text."
            )
        if kind == "Cs" or sign == "\ufffd":
            raise ParseError(column, "what stands here is not UTF-8 text.")
