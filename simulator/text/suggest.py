"""Suggests the right word for a wrong one, in sentences about mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`: did you mean 'post'?` for the closest of `choices`, else a full stop."""
    close = closest(word, choices)
    return f": did you mean {close!r}?" if close else "."


def closest(word: str, choices: Iterable[str]) -> str:
    """The choice most like `word`, "" when none is close."""
    known = list(choices)
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if found:
        return found[0]
    # Two swapped letters in a short word (`ues` for `use`): the ratio above does not find it.
    same = [choice for choice in known if sorted(choice) == sorted(word.lower())]
    return same[0] if same else ""


def one_of(choices: Iterable[str]) -> str:
    """`a, b or c`: a list within a sentence."""
    words = list(choices)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
