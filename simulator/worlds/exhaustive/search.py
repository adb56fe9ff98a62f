"""The engine: breadth-first search over every state of a model.

Breadth first, so the first path to a violation is one of the shortest. Of a visited state only its fingerprint is kept,
and, in files, the fingerprints in their order and the number of each state's parent; a path is found again by taking
the steps that lead to these fingerprints. The states of the present depth and the next are the only ones that the
engine has as a whole (`layer`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

from simulator.worlds.exhaustive.layer import Layer
from simulator.worlds.exhaustive.liveness import avoiding
from simulator.worlds.exhaustive.model import Model, Property
from simulator.worlds.exhaustive.model_errors import asked_again, checked_model, explained, judged, lost
from simulator.worlds.exhaustive.number_log import NumberLog
from simulator.worlds.exhaustive.outcome import Bounds, Found, Outcome, Progress
from simulator.worlds.exhaustive.visited import Fingerprints, KnownStates, Visited

__all__ = ["Bounds", "Found", "Outcome", "Progress", "Search"]

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

LOOK_EVERY = 1_024
"""How many states are expanded between two looks at the clock."""

_after = itemgetter(1)


class Work(NamedTuple, Generic[S]):
    """The states after those of a batch, their fingerprints, and up to where those after each state reach."""

    afters: list[S]
    keys: list[Hashable]
    ends: list[int]


class Search(Generic[S, A]):
    """One search. `run` may be called again after it was cut off or interrupted: it goes on where it was.

    Raises:
        ModelError: the model is none; also from `run`.
    """

    def __init__(self, model: Model[S, A], *, keep_going: bool = False) -> None:
        properties, first, self._numbers = checked_model(model)
        self.model = model
        self.keep_going = keep_going
        self.depth = 1
        self.transitions = 0
        self.found: dict[str, Found[A]] = {}
        self.stop = False  # Set by whoever wants it to end soon, as a signal handler does.
        self._symmetric = type(model).canonical is not Model.canonical
        self._visited: Visited = Fingerprints() if self._numbers else KnownStates()
        self._parents = NumberLog()
        self._now: Layer[S] = Layer()  # The states of this depth, and how many of them are expanded.
        self._done = 0
        self._first_number = 0  # The number of the first of them.
        self._next: Layer[S] = Layer()
        self._seconds = 0.0
        self._always = [one for one in properties if one.kind == "always"]
        self._eventually = [one for one in properties if one.kind == "eventually"]
        self._unseen = {one.name: one for one in properties if one.kind == "sometimes"}
        self._begin(first)

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
        while len(self._now) or len(self._next):
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
            self._now, self._next, self._done = self._next, Layer(), 0
            self.depth += bool(len(self._now))
        return ""

    def _expand(self, most: int) -> None:
        """Take all steps from the next states of this depth."""
        states = self._now.take(self._done, most, self._done)
        first, known = self._first_number + self._done, len(self._visited)
        try:
            work = self._work(states)
            new = self._visited.add_all(work.keys)
        except Exception as error:
            problem = explained(self.model, states, error, numbers=self._numbers)
            if problem is error:
                raise
            raise problem from error
        parents, at, ends = self._parents.latest, 0, work.ends
        for place in new:
            while ends[at] <= place:
                at += 1
            parents.append(first + at)
        fresh = [work.afters[place] for place in new]
        self._next.latest += fresh
        self._done += len(ends)
        self.transitions += len(work.afters)
        if self._always or self._unseen:
            for number, state in enumerate(fresh, known):
                self._check(state, number)
        self._visited.settle()
        self._parents.settle()
        self._next.settle()

    def _work(self, states: list[S]) -> Work[S]:
        """Take the steps from these states, or from some of them when the search is to stop."""
        steps, afters, ends = self.model.steps, list[S](), list[int]()
        for state in states:
            afters.extend(map(_after, steps(state)))
            ends.append(len(afters))
            if self.stop:
                break
        if self._symmetric:
            afters = [*map(self.model.canonical, afters)]
        keys = [*map(self.model.fingerprint, afters)]
        asked_again(self.model, states[0], afters[: ends[0]], keys[: ends[0]])
        return Work(afters, keys, ends)

    def _begin(self, first: list[S]) -> None:
        afters = [self.model.canonical(state) for state in first]
        for place in self._visited.add_all([self.model.fingerprint(state) for state in afters]):
            self._parents.latest.append(-1 - place)
            self._now.latest.append(afters[place])
            self._check(afters[place], len(self._parents) - 1)

    def _check(self, state: S, number: int) -> None:
        for one in self._always:
            if one.name not in self.found and not self._holds(one, state):
                way = list(self.walk(number))
                self.found[one.name] = Found(one.name, tuple(step for step, _ in way), way[-1][1] if way else state)
        if self._unseen:
            for name in [name for name, one in self._unseen.items() if self._holds(one, state)]:
                del self._unseen[name]

    def _holds(self, one: Property[S], state: S) -> bool:
        try:
            return one.holds(state)
        except Exception as error:
            problem = judged(self.model, one, state, error)
            if problem is error:
                raise
            raise problem from error

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
        numbers: list[int] = []
        while (parent := self._parents[number]) >= 0:
            numbers.append(number)
            number = parent
        model, state = self.model, next(islice(self.model.first(), -1 - parent, None))
        for one in reversed(numbers):
            key = self._visited.key_at(one)
            for step, after in model.steps(state):
                if model.fingerprint(model.canonical(after)) == key:
                    yield step, after
                    state = after
                    break
            else:
                raise lost(model, state)
