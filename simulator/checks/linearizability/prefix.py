"""The shortest prefix of a history that is not linearizable: the part that a person should read.

A prefix of a history is a history; operations that have not returned by its end are pending. If a prefix fails, every
longer one fails too, so the shortest is found by bisection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import msgspec

from simulator.checks.linearizability.budget import OutOfBudget
from simulator.cluster.history import Event


class Reason(NamedTuple):
    """Why a history is not linearizable: in words, in how many events, and which operations contradict each other.

    An operation is named by the position of its call among the events.
    """

    why: str
    length: int
    conflict: tuple[int, ...]


def shortest_failing(fails: Callable[[int], bool], *, passes: int, failing: int, guess: int) -> tuple[int, bool]:
    """The length of the shortest failing prefix, and whether it is certain (the budget may end before).

    `fails` checks the prefix of a length. `passes` is a length known to pass, `failing` one known to fail. `guess` is
    checked first: it is often the answer, or just above it.
    """
    try:
        if passes < guess < failing:
            if fails(guess):
                failing = guess
            else:
                passes = guess
        step = 1
        while failing - passes > 1:
            # Check just below the known failure first, in growing steps: the answer is usually near.
            middle = max(failing - step, (passes + failing) // 2)
            if fails(middle):
                failing = middle
                step *= 4
            else:
                passes = middle
                step = failing  # The answer lies between two known lengths: bisect.
    except OutOfBudget:
        return failing, False
    return failing, True


def describe_length(length: int, whole: int, certain: bool) -> str:
    """The words that a violation begins with."""
    if length >= whole:
        return f"It takes all {whole} events to fail"
    return f"The first {length} of {whole} events fail already" + ("" if certain else " (perhaps fewer)")


def with_later_calls(events: Sequence[Event], length: int) -> list[Event]:
    """The first `length` events, and after them the calls of all that is called later, without results.

    Each later operation has a process of its own. Positions stay as they are.
    """
    renamed: dict[int, _Later] = {}
    unused = 1 + max((event.process for event in events), default=0)
    later: list[Event] = []
    for event in events[length:]:
        if event.type == "invoke":
            renamed[event.process] = _Later(unused, event.process)
            unused += 1
        kind = event.type if event.type in {"invoke", "fail"} else "info"
        process = renamed.get(event.process, event.process)
        later.append(msgspec.structs.replace(event, process=process, type=kind))
    return [*events[:length], *later]


class _Later(int):
    """The number of a process of its own, which is written as that of the process that called."""

    called_by: int

    def __new__(cls, number: int, called_by: int) -> Self:
        """A number of its own."""
        made = super().__new__(cls, number)
        made.called_by = called_by
        return made

    def __str__(self) -> str:
        """For people."""
        return str(self.called_by)

    def __format__(self, _spec: str) -> str:
        """For people."""
        return str(self.called_by)
