"""The engine: breadth-first search over every state of a model.

Breadth first, so the first path to a violation is one of the shortest. Of a visited state only its fingerprint is kept,
the number of its parent and the place of the step among the parent's steps; a path is found again by taking these
steps. The states of the present depth and the next are the only ones in memory as a whole.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from typing import Generic, TypeVar

import msgspec

from simulator.worlds.exhaustive.liveness import avoiding
from simulator.worlds.exhaustive.model import Model

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

LOOK_EVERY = 1_024
"""How many states are expanded between two looks at the clock."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Where a search is cut off; 0: nowhere. `depth` is counted in states, the first included."""

    depth: int = 0
    states: int = 0
    seconds: float = 0.0


class Progress(msgspec.Struct, frozen=True):
    """How far a search has come: distinct states, the present depth, and how many states wait to be expanded."""

    states: int
    depth: int
    frontier: int
    seconds: float

    @property
    def rate(self) -> float:
        """Distinct states a second."""
        return self.states / self.seconds if self.seconds else 0.0


class Found(msgspec.Struct, Generic[A], frozen=True):
    """A property that fails, and the steps to the state in which it does.

    Of one that must "eventually" hold: the steps of a run that avoids it, up to where it ends or goes round, and None.
    """

    name: str
    steps: tuple[A, ...]
    state: object


class Outcome(msgspec.Struct, Generic[A], frozen=True):
    """How a search ended. `cut_off` names the bound that ended it early; `never` are "sometimes" unseen."""

    progress: Progress
    transitions: int
    found: tuple[Found[A], ...]
    cut_off: str
    never: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """True when every state was visited."""
        return not self.cut_off


class Search(Generic[S, A]):
    """One search. `run` may be called again after it was cut off or interrupted: it goes on where it was."""

    def __init__(self, model: Model[S, A], *, keep_going: bool = False) -> None:
        self.model = model
        self.keep_going = keep_going
        self.depth = 1
        self.transitions = 0
        self.found: dict[str, Found[A]] = {}
        self._seen: set[Hashable] = set()
        self._parents = array("q")
        self._places = array("H")
        self._now: list[S] = []  # The states of this depth, and how many of them are expanded.
        self._done = 0
        self._first_number = 0  # The number of the first of them.
        self._next: list[S] = []
        self._seconds = 0.0
        self.stop = False  # Set by whoever wants it to end soon, as a signal handler does.
        self._always = [one for one in model.properties() if one.kind == "always"]
        self._eventually = [one for one in model.properties() if one.kind == "eventually"]
        self._unseen = {one.name: one for one in model.properties() if one.kind == "sometimes"}
        for state in model.first():
            self._add(model.canonical(state), -1, 0, self._now)

    # Running

    def run(self, bounds: Bounds | None = None, tell: Callable[[Progress], None] | None = None) -> Outcome[A]:
        """Search until every state is visited, a property fails, or a bound is reached."""
        bounds = bounds or Bounds()
        began, before = time.monotonic(), self._seconds
        try:
            cut_off = self._run(bounds, tell, began)
        finally:
            self._seconds = before + time.monotonic() - began
        if not cut_off and not self.found:
            self._avoid()
        never = tuple(self._unseen) if not cut_off and not self.found else ()
        return Outcome(self.progress(), self.transitions, tuple(self.found.values()), cut_off, never)

    def progress(self) -> Progress:
        """How far the search has come."""
        return Progress(len(self._parents), self.depth, len(self._now) - self._done + len(self._next), self._seconds)

    def _run(self, bounds: Bounds, tell: Callable[[Progress], None] | None, began: float) -> str:
        before = self._seconds
        while self._now or self._next:
            if self.found and not self.keep_going:
                return "a violation"
            while self._done < len(self._now):
                if bounds.depth and self.depth >= bounds.depth:
                    return "depth"
                self._expand(LOOK_EVERY)
                self._seconds = before + time.monotonic() - began
                if tell is not None:
                    tell(self.progress())
                if self.found and not self.keep_going:
                    return "a violation"
                if self.stop:
                    return "an interrupt"
                if bounds.states and len(self._parents) >= bounds.states:
                    return "states"
                if bounds.seconds and time.monotonic() - began >= bounds.seconds:
                    return "time"
            self._first_number += len(self._now)
            self._now, self._next, self._done = self._next, [], 0
            self.depth += bool(self._now)
        return ""

    def _expand(self, most: int) -> None:
        """Take all steps from the next states of this depth. Each state is finished before an interrupt counts."""
        model, seen, found = self.model, self._seen, self._next
        steps, canonical, fingerprint = model.steps, model.canonical, model.fingerprint
        symmetric = type(model).canonical is not Model.canonical
        checked = bool(self._always or self._unseen)
        number, transitions = self._first_number + self._done, 0
        size = len(seen)
        for state in islice(self._now, self._done, self._done + most):
            place = 0
            for _, after in steps(state):
                if symmetric:
                    after = canonical(after)  # noqa: PLW2901  What stands for it.
                seen.add(fingerprint(after))
                if len(seen) != size:
                    size += 1
                    self._parents.append(number)
                    self._places.append(place)
                    found.append(after)
                    if checked:
                        self._check(after, size - 1)
                place += 1
            transitions += place
            number += 1
            self._done += 1
            if self.stop:
                break
        self.transitions += transitions

    def _add(self, state: S, parent: int, place: int, into: list[S]) -> None:
        key = self.model.fingerprint(state)
        if key not in self._seen:
            self._seen.add(key)
            self._parents.append(parent)
            self._places.append(place)
            into.append(state)
            self._check(state, len(self._parents) - 1)

    def _check(self, state: S, number: int) -> None:
        for one in self._always:
            if one.name not in self.found and not one.holds(state):
                way = list(self.walk(number))
                self.found[one.name] = Found(one.name, tuple(step for step, _ in way), way[-1][1] if way else state)
        if self._unseen:
            for name in [name for name, one in self._unseen.items() if one.holds(state)]:
                del self._unseen[name]

    def _avoid(self) -> None:
        """Look for runs that avoid what must "eventually" hold, once every state is known to be right."""
        for one in self._eventually:
            steps = avoiding(self.model, one.holds)
            if steps is not None:
                self.found[one.name] = Found(one.name, steps, None)

    # Paths

    def path(self, number: int) -> tuple[A, ...]:
        """The steps to the state of this number, one of the shortest ways there."""
        return tuple(step for step, _ in self.walk(number))

    def walk(self, number: int) -> Iterator[tuple[A, S]]:
        """The same steps, each with the state after it.

        Where states are joined by symmetry, the state that is known to follow may be a renamed one. So each step taken
        is one from the state really reached, to a state equal to it by symmetry: the run replays.
        """
        places: list[int] = []
        while self._parents[number] >= 0:
            places.append(self._places[number])
            number = self._parents[number]
        state = next(islice(self.model.first(), number, None))
        like = self.model.canonical(state)
        for place in reversed(places):
            like = self.model.canonical(next(islice(self.model.steps(like), place, None))[1])
            step, state = next(one for one in self.model.steps(state) if self.model.canonical(one[1]) == like)
            yield step, state
