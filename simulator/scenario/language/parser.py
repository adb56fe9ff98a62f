"""Parses lines into commands: the grammar of console and files. It reads no file and carries nothing out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from simulator.scenario.language.command_table import BY_NAME, HINTS
from simulator.scenario.language.commands import Comment, Line, NodeWord, Post, SetKey, View
from simulator.scenario.language.errors import FileErrors, LineError, ParseError
from simulator.scenario.language.grammar import Cursor, node_word, read, whole
from simulator.scenario.language.lexer import Word, split_line
from simulator.text.suggest import closest
from simulator.text.units import format_ms, parse_time_ms

DEFAULT_NODES = 5
_CLIENT = re.compile(r"([0-9]{1,6})(?:\.([1-9][0-9]{0,5}))?")


def parse_line(text: str, *, nodes: int = DEFAULT_NODES, number: int = 1) -> Line | None:
    """Parse one line; None for an empty line or a comment. `nodes` is the number of nodes.

    Raises:
        Mistake: the line cannot be understood; says where and what would be right.
    """
    split = split_line(text)
    if not split.words:
        return None
    words = list(split.words)
    prefix = _prefix(words, nodes, split.end)
    verb_word = words.pop(0)
    verb = BY_NAME.get(verb_word.text.lower())
    if verb is None:
        raise ParseError(verb_word.column, _unknown(verb_word))
    cursor = Cursor(
        words,
        usage=verb.usage if not verb.instead_of else f"{verb.usage} or {verb.instead_of}",
        nodes=nodes,
        call=split.call,
        end=split.end,
        background=split.background,
    )
    command = verb.parse(cursor)
    if prefix.client is not None and not isinstance(command, Post | Comment | View):
        raise ParseError(verb_word.column, "only post, comment, view and blog have a client: leave out 'as CLIENT'.")
    text = text[: split.end - 1]
    untimed = text
    for begin, past in reversed(prefix.timed):
        untimed = untimed[:begin] + untimed[past:]
    return Line(
        number=number,
        text=text.strip(),
        command=command,
        node=prefix.node,
        at_ms=prefix.at_ms,
        at_step=prefix.at_step,
        client=prefix.client,
        untimed=untimed.strip(),
    )


class _Prefix(NamedTuple):
    """What stands before the verb. `timed` is where each `at …` begins and ends in the line."""

    node: NodeWord | None
    at_ms: int | None
    at_step: int | None
    client: tuple[int, int] | None
    timed: tuple[tuple[int, int], ...]


def _prefix(words: list[Word], nodes: int, end: int) -> _Prefix:
    """Take `@NODE`, `at step N`, `at TIME` and `as CLIENT` from the front."""
    node: NodeWord | None = None
    at_ms: int | None = None
    at_step: int | None = None
    client: tuple[int, int] | None = None
    timed: list[tuple[int, int]] = []
    while words:
        first = words[0]
        if first.text.startswith("@") and len(first.text) > 1 and node is None:
            node = node_word(first.text[1:], first.column + 1, nodes)
            words.pop(0)
        elif first.text.lower() == "at" and at_ms is None:
            words.pop(0)
            if not words:
                raise ParseError(end, "a TIME is missing here: write at 2s COMMAND.")
            if words[0].text.lower() == "step" and at_step is None:
                words.pop(0)
                if not words:
                    raise ParseError(end, "the number of the step is missing here: write at step 120 COMMAND.")
                at_step = whole(words.pop(0), "the number of a step")
            else:
                at_ms = read(words.pop(0), parse_time_ms)
            timed.append((first.column - 1, words[0].column - 1 if words else end - 1))
        elif first.text.lower() == "as" and client is None:
            words.pop(0)
            if not words:
                raise ParseError(end, "a CLIENT is missing here: write as 3 COMMAND.")
            client = _client(words.pop(0))
        else:
            return _Prefix(node, at_ms, at_step, client, tuple(timed))
    raise ParseError(end, "the command is missing here: write @3 status, or at 2s heal.")


def _client(word: Word) -> tuple[int, int]:
    """Client 3 (its session is 0), or 3.2: client 3 in its second session."""
    found = _CLIENT.fullmatch(word.text)
    if found is None:
        raise ParseError(word.column, f"{word.text!r} is no client: write its number, or 3.2 for its second session.")
    return int(found[1]), int(found[2] or 0)


def _unknown(word: Word) -> str:
    text = word.text.lower()
    if text in HINTS:
        return f"there is no command {word.text!r}: write {HINTS[text]}."
    near = closest(word.text, BY_NAME)
    return f"there is no command {word.text!r}: " + (f"did you mean {near!r}?" if near else "help lists all commands.")


def parse_scenario(text: str, *, source: str = "", nodes: int = DEFAULT_NODES) -> list[Line]:
    """Parse the lines of a scenario, without empty lines and comments. `source` names it in mistakes.

    Raises:
        FileMistakes: every mistake in it, in order.
    """
    lines: list[Line] = []
    mistakes: list[LineError] = []
    for number, row in enumerate(_rows(text), start=1):
        try:
            line = parse_line(row, nodes=nodes, number=number)
            if line is None:
                continue
            if isinstance(line.command, SetKey):
                _must_come_first(lines)
                if line.command.key == "nodes":
                    assert isinstance(line.command.value, int)
                    nodes = line.command.value
            _must_not_go_back(lines, line)
            lines.append(line)
        except ParseError as mistake:
            mistakes.append(LineError(mistake, line=number, source=source))
    if mistakes:
        raise FileErrors(mistakes)
    return lines


def decode_scenario(raw: bytes, source: str) -> str:
    """The text of a scenario file; a byte order mark is skipped.

    Raises:
        FileMistakes: it is not UTF-8 text.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        wrong = ParseError(column, f"byte {raw[error.start]:#04x} is not UTF-8 text: a scenario is a plain text file.")
        raise FileErrors([LineError(wrong, line=line, source=source)]) from None


def _rows(text: str) -> Sequence[str]:
    # Not splitlines(): it also splits at form feeds and other characters, which would shift line numbers.
    return [row.removesuffix("\r") for row in text.split("\n")]


def _must_come_first(lines: Sequence[Line]) -> None:
    other = next((line for line in lines if not isinstance(line.command, SetKey)), None)
    if other is not None:
        raise ParseError(
            1, f"'set' must come before the first other command, and line {other.number} is one: move it up."
        )


def _must_not_go_back(lines: Sequence[Line], line: Line) -> None:
    last = next((earlier.at_step for earlier in reversed(lines) if earlier.at_step is not None), None)
    if line.at_step is not None and last is not None and line.at_step < last:
        raise ParseError(1, f"'at step {line.at_step}' stands below 'at step {last}': steps only go on.")
    before = next((earlier for earlier in reversed(lines) if earlier.at_ms is not None), None)
    if line.at_ms is None or before is None or before.at_ms is None or line.at_ms >= before.at_ms:
        return
    what = f"'at {format_ms(line.at_ms)}' stands below 'at {format_ms(before.at_ms)}' of line {before.number}"
    raise ParseError(1, f"{what}, and the clock only grows: move this line up, or give it a later time.")
