"""EDN, the notation of Clojure, as far as histories use it: read in a stream, a top-level value at a time.

Most lines of a history are one flat map. They are taken apart at once (`flat_map`); any other line, and a value that
goes over several lines, is read token by token.

Keywords and symbols become texts without their colon, vectors and lists become lists, sets become sorted lists. A tag
(`#jepsen.history.Op{...}`) is dropped. Nothing is evaluated. The format is described at github.com/edn-format/edn.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

MOST_NESTING = 100

_MOST_ATOMS = 10_000
"""So many different words, numbers and texts are remembered with their values."""

_MOST_SHAPES = 1_000
"""And so many different sequences of keys."""

_TOKEN = re.compile(
    r"""[\s,]+|;.*                          # blanks, commas, a comment
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<open>\#\{|[\[({])
    |(?P<close>[\])}])
    |(?P<discard>\#_)
    |(?P<tag>\#[A-Za-z][^\s,()\[\]{}"]*)
    |\\(?P<char>newline|space|tab|return|u[0-9a-fA-F]{4}|.)
    |(?P<atom>[^\s,()\[\]{}";]+)
    |(?P<rest>.)                           # a text without end, or a sign that begins nothing""",
    re.VERBOSE | re.DOTALL,
)
_FLAT = re.compile(r"\s*(?:\#[A-Za-z][\w.]*)?\{([^{}()\\;#\0]*)\}[\s,]*\Z")
"""A map on a line of its own, without a map, a list, a comment or a backslash in it."""
_TEXT = re.compile(r'"([^"]*)"')
_VECTOR = re.compile(r"\[([^\[\]]*)\]")
_SHORT, _DEEP = 19, 5

_INTEGER = re.compile(r"[+-]?\d+N?\Z")
_FLOAT = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?\Z")
_CLOSES = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_CHARS = {"newline": "\n", "space": " ", "tab": "\t", "return": "\r"}
_WORDS = {"nil": None, "true": True, "false": False}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


class EdnError(ValueError):
    """The text is no EDN. `line` is the line on which reading stopped."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def read_edn(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Any]]:
    """Each value of the stream with the line on which it begins.

    One vector or list around all values is entered, so that `[{...} {...}]` gives two.

    Raises:
        EdnError: the text is no EDN; values before the mistake have been given.
    """
    reader = _Reader()
    number = 1
    rest = ""
    for number, line in lines:
        flat = None if rest else reader.flat_map(number, line)
        if flat is not None:
            yield number, flat
            continue
        yield from reader.feed(number, rest + line + "\n")
        rest = reader.rest
    if rest.strip():
        raise EdnError(number, "a text in quotes has no end")
    reader.finish(number)


def parse_edn(text: str) -> Any:
    """The one value of a text.

    Raises:
        EdnError: it is not one value.
    """
    reader = _Reader(enters=False)
    values = [value for _, value in reader.feed(1, text)]
    reader.finish(1)
    if len(values) != 1 or reader.rest.strip():
        raise EdnError(1, "not one value")
    return values[0]


class _Reader:
    """A stack of open collections; `rest` is the beginning of a text that goes on in the next line."""

    def __init__(self, *, enters: bool = True) -> None:
        self.rest = ""
        self._enters = enters
        self._entered: tuple[str, int] | None = None
        self._begun = False
        self._stack: list[tuple[str, int, list[Any]]] = []
        self._discards: list[int] = []
        self._ended: list[tuple[int, Any]] = []
        self._atoms: dict[str, Any] = {}
        self._shapes: dict[tuple[str, ...], list[str] | None] = {}

    def flat_map(self, number: int, line: str) -> dict[str, Any] | None:
        """The map that a line consists of; None if it is no such line, or if something is open."""
        if self._stack or self._discards:
            return None
        match = _FLAT.match(line)
        if match is None:
            return None
        body = match.group(1)
        taken: list[Any] = []
        if '"' in body:
            body = _TEXT.sub(lambda text: _put_by(taken, text.group(1)), body)
        if '"' in body:
            return None
        nested = 0
        while "[" in body and nested < _DEEP:
            body = _VECTOR.sub(lambda vector: _put_by(taken, self._values(number, vector.group(1), taken)), body)
            nested += 1
        if "[" in body or "]" in body:
            return None
        words = body.replace(",", " ").split()
        names = self._names(tuple(words[::2])) if len(words) % 2 == 0 else None
        if names is None:
            return None
        self._begun = True
        return dict(zip(names, self._values(number, words[1::2], taken), strict=True))

    def _names(self, keys: tuple[str, ...]) -> list[str] | None:
        """The keys of a map without their colons; None if one is no keyword."""
        if keys not in self._shapes:
            if len(self._shapes) > _MOST_SHAPES:
                return None
            fits = all(key[0] == ":" and key != ":" for key in keys)
            self._shapes[keys] = [key[1:] for key in keys] if fits else None
        return self._shapes[keys]

    def _values(self, number: int, words: str | list[str], taken: list[Any]) -> list[Any]:
        known = self._atoms
        values: list[Any] = []
        for word in words.replace(",", " ").split() if isinstance(words, str) else words:
            value = known.get(word, known)
            if value is known:
                if word.isdecimal() and len(word) < _SHORT:
                    value = int(word)  # Moments and indices: each is new, and not worth remembering.
                elif word[0] == "\0":
                    value = taken[int(word[1:])]
                else:
                    value = _scalar(number, "atom", word, None)
                    if len(known) < _MOST_ATOMS:
                        known[word] = value
            values.append(value)
        return values

    def feed(self, number: int, text: str) -> list[tuple[int, Any]]:
        """The values that end in this piece of the stream."""
        self.rest = ""
        self._ended = []
        known = self._atoms
        for match in _TOKEN.finditer(text):
            kind = match.lastgroup
            if kind is None or kind == "tag":
                continue
            token = match.group()
            if kind == "open":
                self._open(number, token)
            elif kind == "close":
                self._close(number, token)
            elif kind == "discard":
                self._discards.append(len(self._stack))
            elif kind == "rest":
                if not token.startswith('"'):
                    raise EdnError(number, f"unexpected {text[match.start() : match.start() + 20]!r}")
                self.rest = text[match.start() :]
                break
            else:
                self._begun = True
                value = known.get(token, known)
                if value is known:
                    value = _scalar(number, kind, token, match.group("char"))
                    if len(known) < _MOST_ATOMS:
                        known[token] = value
                if self._stack and not self._discards:
                    self._stack[-1][2].append(value)
                else:
                    self._place(number, value)
        return self._ended

    def finish(self, number: int) -> None:
        """The stream is over.

        Raises:
            EdnError: something is still open.
        """
        if self._stack or self._entered:
            opened, began = self._stack[-1][:2] if self._stack else self._entered or ("", number)
            raise EdnError(number, f"the {opened!r} of line {began} has no end")

    def _open(self, number: int, token: str) -> None:
        if self._enters and not self._begun and token in {"[", "("}:
            self._begun, self._entered = True, (token, number)
            return
        self._begun = True
        if len(self._stack) >= MOST_NESTING:
            raise EdnError(number, f"more than {MOST_NESTING} brackets are open at once")
        self._stack.append((token, number, []))

    def _close(self, number: int, token: str) -> None:
        if not self._stack and self._entered and _CLOSES[self._entered[0]] == token:
            self._entered = None
            return
        if not self._stack or _CLOSES[self._stack[-1][0]] != token:
            raise EdnError(number, f"an unexpected {token!r}")
        opened, began, items = self._stack.pop()
        self._place(began, _collection(began, opened, items))

    def _place(self, number: int, value: Any) -> None:
        if self._discards and self._discards[-1] == len(self._stack):
            self._discards.pop()
        elif self._stack:
            self._stack[-1][2].append(value)
        else:
            self._ended.append((number, value))


def _put_by(taken: list[Any], value: Any) -> str:
    """Keep a value, and stand a word for it in its place."""
    taken.append(value)
    return f" \0{len(taken) - 1} "


def _collection(number: int, opened: str, items: list[Any]) -> Any:
    if opened == "#{":
        return sorted(items, key=lambda item: (0, item, "") if isinstance(item, int) else (1, 0, str(item)))
    if opened != "{":
        return items
    if len(items) % 2:
        raise EdnError(number, "a map with a key that has no value")
    return {
        key if isinstance(key, str) else msgspec.json.encode(key).decode(): value
        for key, value in zip(items[::2], items[1::2], strict=True)
    }


def _scalar(number: int, kind: str, token: str, char: str | None) -> Any:
    if kind == "text":
        return _whole_characters(_ESCAPE.sub(_unescaped, token[1:-1]))
    if char is not None:
        return _CHARS.get(char) or _whole_characters(chr(int(char[1:], 16)) if len(char) == 5 else char)
    if token in _WORDS:
        return _WORDS[token]
    if _INTEGER.match(token):
        if len(token) > 30:
            raise EdnError(number, "a number of more than 30 digits")
        return int(token.rstrip("N"))
    if _FLOAT.match(token):
        return float(token.rstrip("M"))
    return token.removeprefix(":")


def _whole_characters(text: str) -> str:
    """Java writes a character beyond 16 bits as two halves: they are joined, and half of one is replaced."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(match: re.Match[str]) -> str:
    escape = match.group(1)
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _ESCAPES.get(escape, escape)
