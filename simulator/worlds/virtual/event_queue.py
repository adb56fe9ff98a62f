"""Virtual time: a queue of moments, and the events of each.

A moment is a millisecond at one place: a node, or 0 for the world itself. It is one integer, and its events are one
list, so the heap holds moments, not messages. Time jumps from one moment to the next and never goes back. Moments of
one millisecond come in the order of their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any

PLACE_BITS = 4
"""Bits for nodes 1 to 9 and place 0, the world."""
_PLACES = (1 << PLACE_BITS) - 1
WORLD = 0

QueuedEvent = tuple[Any, Any, Any]
"""At a node: (source, message, number) for a peer's message, (0, timer or call, incarnation) for anything else.

At the world's place: (function, argument, None).
"""

Dispatch = Callable[[list[QueuedEvent]], None]
"""Hands a list of events to one node."""


class EventQueue:
    """All moments to come. `Network` adds to `moments` and `due` directly, because it does so for each message."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.steps = 0
        self.moments: list[int] = []
        self.due: dict[int, list[QueuedEvent]] = {}

    def put(self, at_ms: int, place: int, queued: QueuedEvent) -> None:
        """Queue an event for a time that is not over."""
        key = at_ms << PLACE_BITS | place
        there = self.due.get(key)
        if there is None:
            self.due[key] = [queued]
            heappush(self.moments, key)
        else:
            there.append(queued)

    def put_first(self, place: int, due: list[QueuedEvent]) -> None:
        """Queue events that had to wait for now, before all others at this place."""
        key = self.now_ms << PLACE_BITS | place
        there = self.due.get(key)
        if there is None:
            self.due[key] = due
            heappush(self.moments, key)
        else:
            there[:0] = due

    def is_midway(self) -> bool:
        """True while events of this very millisecond are still to come."""
        return bool(self.moments) and self.moments[0] >> PLACE_BITS <= self.now_ms

    def next_moment(self) -> tuple[int, Sequence[QueuedEvent]] | None:
        """The place and the events of the next moment; None when there is none."""
        if not self.moments:
            return None
        key = self.moments[0]
        return key & _PLACES, self.due[key]

    def run(self, until_ms: int, nodes: Sequence[Dispatch], asks: Callable[[], bool] | None = None) -> bool:
        """Dispatch all events due by `until_ms`, or until `asks()` is true after a moment. Returns whether it was.

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
