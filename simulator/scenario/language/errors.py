"""Mistakes in a line: where, what is wrong, and what would be right, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.errors import InputError

MOST_TOLD = 100
"""How many mistakes of one file are reported."""


class Mistake(InputError):
    """One mistake. `column` counts characters from 1; the text is a sentence without a place."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


class LineMistake(InputError):
    """A mistake with its place. `line` counts from 1; `source` is the file's name, "" for typed text."""

    def __init__(self, mistake: Mistake, *, line: int, source: str = "") -> None:
        self.line = line
        self.column = mistake.column
        self.sentence = str(mistake)
        where = f"{source}, line {line}" if source else f"line {line}"
        super().__init__(f"{where}, column {mistake.column}: {mistake}")


class FileMistakes(InputError):
    """All mistakes of one file, a line each, in order."""

    def __init__(self, mistakes: Iterable[LineMistake]) -> None:
        self.mistakes = tuple(mistakes)
        told = [str(mistake) for mistake in self.mistakes[:MOST_TOLD]]
        if len(self.mistakes) > MOST_TOLD:
            told.append(f"and {len(self.mistakes) - MOST_TOLD} more: is this a scenario at all?")
        super().__init__("\n".join(told))
