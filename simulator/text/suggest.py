"""The right word for a wrong one: what a sentence about a mistake suggests."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


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
