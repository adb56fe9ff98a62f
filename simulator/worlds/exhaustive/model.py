"""What the engine explores: a model gives first states and the steps from a state; properties say what must hold.

The engine knows nothing else of a model. States are values that can be hashed, best tuples of small numbers. A model
of a few dozen lines is in `docs/prove.md`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

Kind = Literal["always", "sometimes", "eventually"]


class Property(msgspec.Struct, Generic[S], frozen=True):
    """`holds` is asked of states. "always": in all; "sometimes": in one at least; "eventually": once on every path."""

    kind: Kind
    name: str
    holds: Callable[[S], bool]


def always(name: str, holds: Callable[[S], bool]) -> Property[S]:
    """It holds in every reachable state."""
    return Property("always", name, holds)


def sometimes(name: str, holds: Callable[[S], bool]) -> Property[S]:
    """It holds in some reachable state: the model does what it is about."""
    return Property("sometimes", name, holds)


def eventually(name: str, holds: Callable[[S], bool]) -> Property[S]:
    """Every path that goes on for ever, or ends, comes to a state in which it holds."""
    return Property("eventually", name, holds)


Spread = Callable[[Callable[[Sequence[Any]], bytes], Sequence[Any]], list[bytes]]
"""`spread(work, items)`: what `work` returns for each part of the items, in their order; each part in its own process.

A process sees all that was known when `spread` was called. What it learns is lost but for the bytes that it returns.
"""


class Model(ABC, Generic[S, A]):
    """Override `first` and `steps`; the rest has defaults.

    Steps must come in the same order each time that they are asked for: a path is kept as the places of its steps.
    """

    steps_in_parallel = False
    """True: several processes may take steps: `known_states_after` depends on the state and on what is known alone."""

    @abstractmethod
    def first(self) -> Iterable[S]:
        """The states in which a run may begin."""

    @abstractmethod
    def steps(self, state: S) -> Iterable[tuple[A, S]]:
        """Every step from `state`: its name, with its arguments, and the state after it."""

    def properties(self) -> Sequence[Property[S]]:
        """What is checked in each state."""
        return ()

    def canonical(self, state: S) -> S:
        """The one of all states equal to this one by symmetry that stands for them."""
        return state

    def states_after(self, state: S) -> list[S]:
        """The states after `state`, in the order of the steps, each as the one that stands for it.

        A model that finds them faster than their steps may override this.
        """
        afters = [after for _, after in self.steps(state)]
        return afters if type(self).canonical is Model.canonical else [*map(self.canonical, afters)]

    def known_states_after(self, state: S) -> list[S] | None:
        """The same in another process, which must not give new numbers to anything; None: it would have to."""
        return self.states_after(state)

    def fingerprint(self, state: S) -> Hashable:
        """What is kept of a state to know it again: the state itself, or its `hash` to save memory.

        `hash` is right for a flat tuple of whole numbers from 0 to 2**60: two states then have the same one with a
        chance of 2**-64.
        """
        return state

    # For searches that are kept in a folder, and for several processes. The defaults suit a model whose states mean the
    # same in each process.

    def numbering(self) -> bytes:
        """What the numbers in states stand for, so that another process can go on with them; never pickled."""
        return b""

    def resume(self, numbering: bytes) -> None:
        """Take up what `numbering` gave in another process. ValueError, with one sentence: it is not of this model."""
        if numbering:
            raise ValueError("it holds a numbering, and this model has none")

    def work_ahead(self, states: Sequence[S], spread: Spread) -> None:
        """Do what the steps from these states will need and takes long, in several processes.

        `spread(work, items)` gives each of them a part of the items; see `Spread`. The engine calls this before it
        takes steps from a part of the frontier. What `work` returns must be taken up in the order given, so that
        numbers are the same with any number of processes.
        """
