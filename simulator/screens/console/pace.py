"""Lets virtual time pass for a person: at a speed, in step with real time, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

TURN_S = 0.02
"""How long, in seconds of real time, time passes before others have a turn."""
MOST_BEHIND_S = 0.25
"""A world that is slower than asked falls behind by so much at most, and does not catch up with the rest."""


class Pace:
    """The speed of virtual time: `rate` times as fast as real time, or (0) it stands still.

    `wait` lets time pass within a command, and `due_ms` says how much should pass between commands. A command that
    waits while time stands still lets it pass as fast as it can.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.rate = 1.0
        self.interrupted: Callable[[], bool] = lambda: False
        self._cluster = cluster
        self._news = threading.Event()
        self._looked_s = time.monotonic()
        self._owed_ms = 0.0
        self._direct = False

    @contextmanager
    def direct(self) -> Iterator[None]:
        """Inside, `wait` does not keep step with real time."""
        self._direct = True
        try:
            yield
        finally:
            self._direct = False

    def change(self, rate: float) -> None:
        """Let time pass at another rate from now on."""
        self._looked_s, self._owed_ms = time.monotonic(), 0.0
        self.rate = rate
        self._news.set()

    def due_ms(self) -> int:
        """How many milliseconds of virtual time are due since the last call."""
        now_s = time.monotonic()
        passed_s, self._looked_s = min(now_s - self._looked_s, MOST_BEHIND_S), now_s
        self._owed_ms += passed_s * 1000 * self.rate
        due = int(self._owed_ms)
        self._owed_ms -= due
        return due

    def rest(self) -> None:
        """Give others a turn: return after a moment, or when the rate has changed while time stands still."""
        self._news.wait(TURN_S if self.rate else None)
        self._news.clear()

    def wake(self) -> None:
        """End a `rest`."""
        self._news.set()

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """As `Cluster.wait`; it also returns when somebody interrupts."""
        cluster = self._cluster
        if self._direct:
            return cluster.wait(condition, within_ms)
        until = cluster.now_ms() + within_ms
        while True:
            turn_ends_s = time.monotonic() + TURN_S
            left = until - cluster.now_ms()
            slice_ms = min(left, self.due_ms()) if self.rate else left
            cluster.wait(either(condition, turn_ends_s), slice_ms)
            if condition() or cluster.now_ms() >= until or self.interrupted():
                return condition()
            if self.rate:
                self.rest()


def either(condition: Callable[[], bool], ends_s: float) -> Callable[[], bool]:
    """`condition`, or that it is later than `ends_s` in seconds of `time.monotonic`."""
    return lambda: condition() or time.monotonic() > ends_s
