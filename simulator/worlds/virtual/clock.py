"""A node's own clock: it begins anywhere, runs fast or slow, and jumps, while the world's time knows nothing of it."""

from __future__ import annotations


class Clock:
    """Milliseconds as the node counts them. Invariant: between two changes it never goes back.

    `read` and `when` are each other's inverse, but for rounding: `when` never answers too early.
    """

    __slots__ = ("_own_ms", "_since_ms", "rate_percent")

    def __init__(self, origin_ms: int) -> None:
        self.rate_percent = 100
        self._own_ms = origin_ms  # What the clock showed at `_since_ms` of the world's time.
        self._since_ms = 0

    def read(self, now_ms: int) -> int:
        """What the clock shows at `now_ms` of the world's time."""
        if self.rate_percent == 100:
            return self._own_ms + now_ms - self._since_ms
        return self._own_ms + (now_ms - self._since_ms) * self.rate_percent // 100

    def when(self, own_ms: int) -> int:
        """The first world time at which the clock shows `own_ms` or more, if it is not changed."""
        return self._since_ms - (self._own_ms - own_ms) * 100 // self.rate_percent

    def change(self, now_ms: int, rate_percent: int, jump_ms: int) -> None:
        """Jump now, and run at another rate from now on."""
        self._own_ms = self.read(now_ms) + jump_ms
        self._since_ms = now_ms
        self.rate_percent = rate_percent
