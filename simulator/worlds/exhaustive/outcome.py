"""What is asked of a search and what it tells: its bounds, how far it has come, what it found and how it ended."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

A = TypeVar("A")


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
