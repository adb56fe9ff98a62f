"""What was wrong with a line, where, and what would be right: one sentence a mistake."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from simulator.errors import InputError

MOST_TOLD = 100
"""How many mistakes of one file are told."""


class Mistake(InputError):
    """One thing that a line gets wrong. `column` counts characters from 1; the text is a sentence without a place."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column


class LineMistake(InputError):
    """A mistake with its place: `line` counts from 1. `source` is the file's name, "" for what a person typed."""

    def __init__(self, mistake: Mistake, *, line: int, source: str = "") -> None:
        self.line = line
        self.column = mistake.column
        self.sentence = str(mistake)
        where = f"{source}, line {line}" if source else f"line {line}"
        super().__init__(f"{where}, column {mistake.column}: {mistake}")


class FileMistakes(InputError):
    """Every mistake of one file, a line each, in the order of the file."""

    def __init__(self, mistakes: Iterable[LineMistake]) -> None:
        self.mistakes = tuple(mistakes)
        told = [str(mistake) for mistake in self.mistakes[:MOST_TOLD]]
        if len(self.mistakes) > MOST_TOLD:
            told.append(f"and {len(self.mistakes) - MOST_TOLD} more: is this a scenario at all?")
        super().__init__("\n".join(told))


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`: did you mean 'post'?` for the closest of `choices`, else a full stop."""
    close = closest(word, choices)
    return f": did you mean {close!r}?" if close else "."


def closest(word: str, choices: Iterable[str]) -> str:
    """The choice most like `word`, "" when none is near."""
    known = list(choices)
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if found:
        return found[0]
    # Two letters changed places in a short word (`ues` for `use`): too little is left for the ratio above.
    same = [choice for choice in known if sorted(choice) == sorted(word.lower())]
    return same[0] if same else ""


def one_of(choices: Iterable[str]) -> str:
    """`a, b or c`: how a sentence lists what would be right."""
    words = list(choices)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
