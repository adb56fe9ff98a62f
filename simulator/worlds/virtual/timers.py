"""The timers of one virtual node, which run by the node's own clock."""

from __future__ import annotations

from random import Random

from paxos.ballot import NodeId
from paxos.effects import Timer
from simulator.worlds.virtual.clock import Clock
from simulator.worlds.virtual.event_queue import EventQueue


class NodeTimers:
    """Queues one event for each timer that is set. `incarnation` marks the events, so that old ones can be dropped.

    A timer that is set again and again costs one queued event: when that comes too early, it is queued once more.
    """

    def __init__(self, me: NodeId, clock: Clock, queue: EventQueue, dice: Random) -> None:
        self.incarnation = 0
        self._me = me
        self._clock = clock
        self._queue = queue
        self._dice = dice
        self._due: dict[Timer, int] = {}  # By the node's clock.
        self._queued: dict[Timer, int] = {}  # When the earliest queued event of each timer comes, in world time.

    def set(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """Set `timer` to a delay drawn evenly from the bounds, at least 1 ms; replaces an earlier setting."""
        own = self._clock.read(self._queue.now_ms)
        due = self._due[timer] = own + max(1, min_ms + int(self._dice.random() * (max_ms - min_ms + 1)))
        at = self._clock.when(due)
        if at < self._queued.get(timer, at + 1):
            self._enqueue(timer, at)

    def fires(self, timer: Timer, own_ms: int) -> bool:
        """True if `timer` is due, when its event has come. It is then no longer set. `own_ms` is the node's clock."""
        queued = self._queued.get(timer)
        if queued is None or queued > self._queue.now_ms:
            return False  # A later event of this timer is queued.
        del self._queued[timer]
        due = self._due.get(timer)
        if due is None:
            return False
        if due > own_ms:
            self._enqueue(timer, self._clock.when(due))
            return False
        del self._due[timer]
        return True

    def clear(self) -> None:
        """Unset all timers."""
        self._due.clear()
        self._queued.clear()

    def clock_changed(self) -> None:
        """Queue all timers anew: they fire when the changed clock shows their time."""
        for timer, due in self._due.items():
            self._enqueue(timer, max(self._clock.when(due), self._queue.now_ms))

    def _enqueue(self, timer: Timer, at_ms: int) -> None:
        self._queued[timer] = at_ms
        self._queue.put(at_ms, self._me, (0, timer, self.incarnation))
