"""Virtual time: one heap of moments, and what happens at each.

A moment is a millisecond at one place (a node, or 0 for the world itself), kept as one integer; everything that happens
there and then lies in one list, so the heap holds moments and not messages. Time is what the heap says: it jumps from
one moment to the next and never goes back. Moments of one millisecond come in the order of their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

PLACE_BITS = 4
"""Room for nodes 1 to 9 and the world's own place 0."""
_PLACES = (1 << PLACE_BITS) - 1
WORLD = 0

QueuedEvent = tuple[Any, Any, Any]
"""At a node: (source, message, number) for a peer's message, (0, timer or call, life) for anything else.

At the world's place: (function, argument, None).
"""

Dispatch = Callable[[list[QueuedEvent]], None]
"""Lets a list of happenings befall one node."""


class EventQueue:
    """Every moment to come. `network` pushes straight into `moments` and `due`, once a message."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.steps = 0
        self.moments: list[int] = []
        self.due: dict[int, list[QueuedEvent]] = {}

    def put(self, at_ms: int, place: int, queued: QueuedEvent) -> None:
        """Let something happen at a time that is not over."""
        key = at_ms << PLACE_BITS | place
        there = self.due.get(key)
        if there is None:
            self.due[key] = [queued]
            heappush(self.moments, key)
        else:
            there.append(queued)

    def put_first(self, place: int, due: list[QueuedEvent]) -> None:
        """Let things that had to wait happen now, before anything else that is due at this place."""
        key = self.now_ms << PLACE_BITS | place
        there = self.due.get(key)
        if there is None:
            self.due[key] = due
            heappush(self.moments, key)
        else:
            there[:0] = due

    def run(self, until_ms: int, nodes: Sequence[Dispatch], asks: Callable[[], bool] | None = None) -> bool:
        """Let everything happen that is due by `until_ms`, or until `asks()` says so after a moment; returns that.

        Node n is the n-th of `nodes`, counted from 1.
        """
        moments, due = self.moments, self.due
        last = until_ms << PLACE_BITS | _PLACES
        while moments and moments[0] <= last:
            key = heappop(moments)
            self.now_ms = key >> PLACE_BITS
            self.steps += 1
            place = key & _PLACES
            if place:
                nodes[place - 1](due.pop(key))
            else:
                for act, argument, _ in due.pop(key):
                    act(argument)
            if asks is not None and asks():
                return True
        self.now_ms = max(self.now_ms, until_ms)
        return False
