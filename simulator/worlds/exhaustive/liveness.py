"""The property "eventually": no path avoids it, neither one that ends nor one that goes round for ever."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from simulator.worlds.exhaustive.model import Model

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")


def avoiding(model: Model[S, A], holds: Callable[[S], bool]) -> tuple[A, ...] | None:
    """Steps through states in which `holds` is false, to a state without steps or to one met before; None: no such.

    It looks depth first at the states that can be reached without meeting `holds`. No fairness is assumed: a step that
    could be taken for ever may be put off for ever.
    """
    finished: set[S] = set()
    for first in map(model.canonical, model.first()):
        if holds(first) or first in finished:
            continue
        path: list[A] = []
        open_states = {first}
        stack: list[tuple[S, Iterator[tuple[A, S]], bool]] = [(first, iter(list(model.steps(first))), True)]
        while stack:
            state, steps, untouched = stack[-1]
            step = next(steps, None)
            if step is None:
                if untouched:
                    return tuple(path)  # It ends here.
                finished.add(state)
                open_states.discard(state)
                stack.pop()
                if path:
                    path.pop()
                continue
            stack[-1] = (state, steps, False)
            after = model.canonical(step[1])
            if after in open_states:
                return (*path, step[0])  # It goes round.
            if not holds(after) and after not in finished:
                path.append(step[0])
                open_states.add(after)
                stack.append((after, iter(list(model.steps(after))), True))
    return None
