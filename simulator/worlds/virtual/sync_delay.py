"""The virtual time that a node's syncs take, and the node's actions that wait for them.

A node's code runs in no time. After a sync it is ahead of the world by the sync's duration: what it does then must
happen later, or not at all if the node dies before.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from simulator.worlds.virtual.event_queue import EventQueue


class SyncDelay:
    """`lag_ms` is how far the current batch is ahead of the world. A sync takes one of `durations_ms`, drawn evenly.

    `slower_ms` is added to each: the disk is slow.
    """

    def __init__(self, queue: EventQueue, dice: Random, durations_ms: tuple[int, ...]) -> None:
        self.lag_ms = 0
        self.slower_ms = 0
        self._queue = queue
        self._dice = dice
        self._durations_ms = durations_ms
        self._deferred: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = []

    def begin_sync(self) -> int:
        """A sync begins. Returns the world time of its end; 0: it has ended already.

        One that takes no time ends with those that this batch began before it.
        """
        durations = self._durations_ms
        takes = durations[0] if len(durations) == 1 else durations[int(self._dice.random() * len(durations))]
        takes += self.slower_ms
        self.lag_ms += takes
        return self._queue.now_ms + self.lag_ms if self.lag_ms else 0

    def defer(self, act: Callable[..., None], *arguments: Any) -> None:
        """Call `act` when the syncs of this batch so far have ended."""
        self._deferred.append((self._queue.now_ms + self.lag_ms, act, arguments))

    def end_batch(self) -> int:
        """The batch has ended. Returns the world time at which its last sync ends."""
        until = self._queue.now_ms + self.lag_ms
        self.lag_ms = 0
        return until

    def run_until(self, now_ms: int | None) -> None:
        """Carry out what was deferred until `now_ms`; None: everything."""
        count = 0
        for at, act, arguments in self._deferred:
            if now_ms is not None and at > now_ms:
                break
            count += 1
            act(*arguments)
        del self._deferred[:count]

    def next_ms(self) -> int | None:
        """The world time of the next deferred action."""
        return self._deferred[0][0] if self._deferred else None

    def clear(self) -> None:
        """Drop everything deferred: the node has died."""
        self.lag_ms = 0
        self._deferred.clear()
