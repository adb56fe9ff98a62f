"""What the engine explores: a model gives first states and the steps from a state; properties say what must hold.

The engine knows nothing else of a model. States are values that can be hashed, best tuples of small numbers. A model
of a few dozen lines is in `docs/prove.md`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, Literal, TypeVar

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


class Model(ABC, Generic[S, A]):
    """Override `first` and `steps`; the rest has defaults.

    Steps must come in the same order each time that they are asked for: a path is kept as the places of its steps.
    """

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

    def fingerprint(self, state: S) -> Hashable:
        """What is kept of a state to know it again: the state itself, or its `hash` to save memory.

        `hash` is right for a flat tuple of whole numbers from 0 to 2**60: two states then have the same one with a
        chance of 2**-64.
        """
        return state
