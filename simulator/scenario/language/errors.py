"""Mistakes in a line: where, what is wrong, and what would be right, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.errors import InputError

MAX_REPORTED = 100
"""How many mistakes of one file are reported."""


class ParseError(InputError):
    """One mistake. `column` counts characters from 1; the text is a sentence without a place."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


class LineError(InputError):
    """A mistake with its place. `line` counts from 1; `source` is the file's name, "" for typed text."""

    def __init__(self, mistake: ParseError, *, line: int, source: str = "") -> None:
        self.line = line
        self.column = mistake.column
        self.sentence = str(mistake)
        where = f"{source}, line {line}" if source else f"line {line}"
        super().__init__(f"{where}, column {mistake.column}: {mistake}")


class FileErrors(InputError):
    """All mistakes of one file, a line each, in order."""

    def __init__(self, mistakes: Iterable[LineError]) -> None:
        self.mistakes = tuple(mistakes)
        reported = [str(mistake) for mistake in self.mistakes[:MAX_REPORTED]]
        if len(self.mistakes) > MAX_REPORTED:
            reported.append(f"and {len(self.mistakes) - MAX_REPORTED} more: is this a scenario at all?")
        super().__init__("\n".join(reported))
