"""The shortest part of a history, from its beginning, that cannot be explained: what a person should look at.

A history's beginning is a history too: what has not returned by its end is of unknown fate. When a beginning fails, so
does every longer one, so the shortest is found by halving.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator.checks.linearizability.budget import OutOfBudget


def shortest_failing(fails: Callable[[int], bool], *, passes: int, failing: int, guess: int) -> tuple[int, bool]:
    """The length of the shortest beginning that fails, and whether it is certain (the budget may end before).

    `fails` judges a beginning by its length. `passes` is a length known to pass, `failing` one known to fail. `guess`
    is where to look first: often the answer, or just above it.
    """
    try:
        if passes < guess < failing:
            if fails(guess):
                failing = guess
            else:
                passes = guess
        step = 1
        while failing - passes > 1:
            # Close below the known failure first, further and further: the answer is seldom far from it.
            middle = max(failing - step, (passes + failing) // 2)
            if fails(middle):
                failing = middle
                step *= 4
            else:
                passes = middle
                step = failing  # Now it is between two known lengths: halve.
    except OutOfBudget:
        return failing, False
    return failing, True
