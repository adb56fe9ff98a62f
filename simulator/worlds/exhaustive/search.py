"""The engine: breadth-first search over every state of a model.

Breadth first, so the first path to a violation is one of the shortest. Of a visited state only its fingerprint is kept,
and, in files, the fingerprints in their order and the number of each state's parent; a path is found again by taking
the steps that lead to these fingerprints. The states of the present depth and the next are the only ones that the
engine has as a whole (`layer`).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from simulator.worlds.exhaustive.kept_search import Checkpoint, Part, SearchFolder, take_up_numbering
from simulator.worlds.exhaustive.layer import Layer, NotPlain
from simulator.worlds.exhaustive.liveness import avoiding
from simulator.worlds.exhaustive.model import Model, Property
from simulator.worlds.exhaustive.model_errors import (
    asked_again,
    checked_model,
    explained,
    judged,
    lost,
    not_kept,
)
from simulator.worlds.exhaustive.number_log import NumberLog
from simulator.worlds.exhaustive.outcome import Bounds, Found, Outcome, Progress
from simulator.worlds.exhaustive.visited import Fingerprints, KnownStates, Visited
from simulator.worlds.exhaustive.workers import Round, Work, can_fork, spread

__all__ = ["Bounds", "Found", "Outcome", "Progress", "Search"]

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

LOOK_EVERY = 1_024
"""How many states are expanded between two looks at the clock."""

WORTH_WORK_AHEAD = 16
"""How many states must be there for `Model.work_ahead` to be asked."""
WORTH_FORKING = 4 * LOOK_EVERY
"""How many must be there for processes to be forked that take the steps."""
BATCHES = 32
"""How many batches a process takes before new ones are forked, which know what is visited by then."""


class Search(Generic[S, A]):
    """One search. `run` may be called again after it was cut off or interrupted: it goes on where it was.

    With `folder` it is kept there, and a search that is there already goes on. States must be plain tuples of whole
    numbers then, and fingerprints whole numbers that are the same in every process, as `hash` of such a tuple is.

    `workers` processes share the work (see `Model.work_ahead` and `steps_in_parallel`); what is found is the same.

    Raises:
        ModelError: the model is none; also from `run`.
        InputError: what is kept in the folder is damaged, or not of this model.
    """

    def __init__(
        self, model: Model[S, A], *, keep_going: bool = False, folder: SearchFolder | None = None, workers: int = 1
    ) -> None:
        kept = None if folder is None else folder.checkpoint
        if folder is not None and kept is not None:
            take_up_numbering(model, folder, kept)
        properties, first, self._numbers = checked_model(model)
        if folder is not None and not self._numbers:
            raise not_kept(model, "its fingerprints are no whole numbers")
        self.model = model
        self.folder = folder
        self.workers = workers
        self._round: Round[S] = Round()
        self._ahead = 0  # The number of the first state for which no work ahead was done.
        self.keep_going = keep_going
        self.depth = 1
        self.transitions = 0
        self.found: dict[str, Found[A]] = {}
        self.stop = False  # Set by whoever wants it to end soon, as a signal handler does.
        self._layers = 0
        self._found_at: dict[str, int] = {}
        self._visited: Visited = Fingerprints(self._path("fingerprints")) if self._numbers else KnownStates()
        self._parents = NumberLog(self._path("parents"))
        self._now: Layer[S] = self._layer()  # The states of this depth, and how many of them are expanded.
        self._done = 0
        self._first_number = 0  # The number of the first of them.
        self._next: Layer[S] = self._layer()
        self._seconds = 0.0
        self._collects = True
        self._collected_at = LOOK_EVERY
        self._always = [one for one in properties if one.kind == "always"]
        self._eventually = [one for one in properties if one.kind == "eventually"]
        self._unseen = {one.name: one for one in properties if one.kind == "sometimes"}
        if kept is None:
            self._begin(first)
        else:
            self._take_up(kept, first)

    # Running

    def run(self, bounds: Bounds | None = None, tell: Callable[[Progress], None] | None = None) -> Outcome[A]:
        """Search until every state is visited, a property fails, or a bound is reached."""
        bounds = bounds or Bounds()
        began, before = time.monotonic(), self._seconds
        self._collects = gc.isenabled()
        gc.disable()
        try:
            cut_off = self._run(bounds, tell, began)
            self._seconds = before + time.monotonic() - began
            if self.folder is not None:
                self.keep()
        except NotPlain:
            raise not_kept(self.model, "a state is no plain tuple of whole numbers") from None
        finally:
            if self._collects:
                gc.enable()
            self._round.end()
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
                if self._collects:
                    self._collect()
                self._seconds = before + time.monotonic() - began
                if tell is not None:
                    tell(self.progress())
                if self.folder is not None and self.folder.due():
                    self.keep()
                if self.found and not self.keep_going:
                    return "a violation"
                if self.stop:
                    return "an interrupt"
                if bounds.states and len(self._parents) >= bounds.states:
                    return "states"
                if bounds.seconds and time.monotonic() - began >= bounds.seconds:
                    return "time"
            self._first_number += len(self._now)
            self._now, self._next, self._done = self._next, self._layer(), 0
            self.depth += bool(len(self._now))
        return ""

    def _collect(self) -> None:
        """Look for garbage among what is new; among all, whenever there are twice as many states as the last time.

        Python by itself looks at all states again and again, for nothing.
        """
        whole = len(self._parents) >= 2 * self._collected_at
        if whole:
            self._collected_at = len(self._parents)
        gc.collect(2 if whole else 1)

    def _expand(self, most: int) -> None:
        """Take all steps from the next states of this depth."""
        first, known = self._first_number + self._done, len(self._visited)
        states: list[S] = []
        try:
            states, work = self._next_batch(most)
            if work is None:
                work = self._work(states)
            elif work.left:
                work = self._whole(states, work)
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
        self.transitions += work.transitions
        if not self._all_right(fresh):
            for number, state in enumerate(fresh, known):
                self._check(state, number)
        self._visited.settle()
        self._parents.settle()
        self._next.settle()

    def _next_batch(self, most: int) -> tuple[list[S], Work[S] | None]:
        """The next states of this depth, and what another process has found behind them."""
        if self._round:
            return self._round.next()
        if self.workers > 1 and self._first_number + self._done >= self._ahead:
            self._share(most)
            if self._round:
                return self._round.next()
        return self._now.take(self._done, most, self._done), None

    def _share(self, most: int) -> None:
        """Have several processes work for the next states, if there are enough of them."""
        left = len(self._now) - self._done
        if left < WORTH_WORK_AHEAD or not can_fork():
            return
        begins = range(self._done, min(len(self._now), self._done + self.workers * BATCHES * most), most)
        batches = [self._now.take(begin, most, self._done) for begin in begins]
        self._ahead = self._first_number + self._done + sum(map(len, batches))
        self.model.work_ahead([state for batch in batches for state in batch], spread(self.workers))
        if isinstance(self._visited, Fingerprints) and self.model.steps_in_parallel and left >= WORTH_FORKING:
            with suppress(OSError):
                self._round.begin(batches, self.workers, self._work_elsewhere, self._visited.absent)

    def _work(self, states: list[S]) -> Work[S]:
        """Take the steps from these states, or from some of them when the search is to stop."""
        after, afters, ends = self.model.states_after, list[S](), list[int]()
        for state in states:
            afters += after(state)
            ends.append(len(afters))
            if self.stop:
                break
        keys = [*map(self.model.fingerprint, afters)]
        asked_again(self.model, states[0], afters[: ends[0]], keys[: ends[0]])
        return Work(afters, keys, ends, len(afters))

    def _work_elsewhere(self, states: list[S]) -> Work[S]:
        """The same in another process, which leaves states whose steps need something that is not known yet."""
        after, afters, ends, left = self.model.known_states_after, list[S](), list[int](), list[int]()
        for place, state in enumerate(states):
            found = after(state)
            if found is None:
                left.append(place)
            else:
                afters += found
            ends.append(len(afters))
        return Work(afters, [*map(self.model.fingerprint, afters)], ends, len(afters), left)

    def _whole(self, states: list[S], work: Work[S]) -> Work[S]:
        """Put what was left where it belongs. Its steps are taken in order, so numbers are those of one process."""
        afters, keys, ends, begin, transitions = list[S](), list[Hashable](), list[int](), 0, work.transitions
        left = set(work.left)
        for place, end in enumerate(work.ends):
            if place in left:
                found = self.model.states_after(states[place])
                transitions += len(found)
                afters += found
                keys += map(self.model.fingerprint, found)
            afters += work.afters[begin:end]
            keys += work.keys[begin:end]
            ends.append(len(afters))
            begin = end
        return Work(afters, keys, ends, transitions)

    def _begin(self, first: list[S]) -> None:
        afters = [self.model.canonical(state) for state in first]
        for place in self._visited.add_all([self.model.fingerprint(state) for state in afters]):
            self._parents.latest.append(-1 - place)
            self._now.latest.append(afters[place])
            self._check(afters[place], len(self._parents) - 1)

    def _all_right(self, states: list[S]) -> bool:
        """True when all of these states are as they must be, and there is nothing else to look for."""
        if self._unseen:
            return False
        try:
            return all(all(map(one.holds, states)) for one in self._always)
        except Exception:  # noqa: BLE001  Asked again state by state, it is said which one.
            return False

    def _check(self, state: S, number: int) -> None:
        for one in self._always:
            if one.name not in self.found and not self._holds(one, state):
                self._find(one.name, number)
        if self._unseen:
            for name in [name for name, one in self._unseen.items() if self._holds(one, state)]:
                del self._unseen[name]

    def _find(self, name: str, number: int) -> None:
        way = list(self.walk(number))
        state = way[-1][1] if way else next(islice(self.model.first(), -1 - self._parents[number], None))
        self.found[name] = Found(name, tuple(step for step, _ in way), state)
        self._found_at[name] = number

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

    # Keeping

    def keep(self) -> None:
        """Keep the search in its folder as it is now.

        Raises:
            OSError: the folder cannot be written. The last checkpoint is as it was.
        """
        folder, visited = self.folder, self._visited
        assert folder is not None
        assert isinstance(visited, Fingerprints)
        for log in (visited.log, self._parents, self._now, self._next):
            log.settle(0)
        numbering = folder.write_numbering(self.model.numbering())
        checkpoint = Checkpoint(
            depth=self.depth,
            first_number=self._first_number,
            done=self._done,
            states=len(self._parents),
            transitions=self.transitions,
            seconds=self._seconds,
            found=self._found_at,
            unseen=tuple(self._unseen),
            fingerprints=Part.of(visited.log.file, len(visited)),
            parents=Part.of(self._parents.file, len(self._parents)),
            now=Part.of(self._now.file, len(self._now)),
            next=Part.of(self._next.file, len(self._next)),
            numbering=numbering,
        )
        folder.keep(checkpoint, [visited.log.file, self._parents.file, self._now.file, self._next.file])

    def _take_up(self, kept: Checkpoint, first: list[S]) -> None:
        folder, visited, model = self.folder, self._visited, self.model
        assert folder is not None
        assert isinstance(visited, Fingerprints)
        self.depth, self.transitions, self._seconds = kept.depth, kept.transitions, kept.seconds
        self._first_number, self._done = kept.first_number, kept.done
        visited.take_up(kept.fingerprints.states, kept.fingerprints.checksum)
        for _ in self._parents.take_up(kept.parents.states, kept.parents.checksum):
            pass
        self._now, self._next = Layer(folder.path(kept.now.name)), Layer(folder.path(kept.next.name))
        for layer, part in ((self._now, kept.now), (self._next, kept.next)):
            layer.take_up(part.size, part.checksum, part.states)
        self._layers = int(kept.next.name.rpartition("-")[2])
        if visited.key_at(0) != model.fingerprint(model.canonical(first[0])):
            raise not_kept(model, "the first state has another fingerprint in each process")
        self._unseen = {name: self._unseen[name] for name in kept.unseen}
        for name, number in kept.found.items():
            self._find(name, number)

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder.path(name)

    def _layer(self) -> Layer[S]:
        self._layers += 1
        return Layer(self._path(f"layer-{self._layers}"))

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
