"""A node's own clock. It starts anywhere, may run fast or slow, and may jump; world time is not affected."""

from __future__ import annotations


class Clock:
    """Milliseconds by the node's clock. Invariant: between two changes it never goes back.

    `when` is the inverse of `read`, except for rounding: it never returns a time that is too early.
    """

    __slots__ = ("_own_ms", "_since_ms", "rate_percent")

    def __init__(self, origin_ms: int) -> None:
        self.rate_percent = 100
        self._own_ms = origin_ms  # What the clock showed at world time `_since_ms`.
        self._since_ms = 0

    def read(self, now_ms: int) -> int:
        """What the clock shows at world time `now_ms`."""
        if self.rate_percent == 100:
            return self._own_ms + now_ms - self._since_ms
        return self._own_ms + (now_ms - self._since_ms) * self.rate_percent // 100

    def when(self, own_ms: int) -> int:
        """The first world time at which the clock shows `own_ms` or more, unless it is changed before."""
        return self._since_ms - (self._own_ms - own_ms) * 100 // self.rate_percent

    def change(self, now_ms: int, rate_percent: int, jump_ms: int) -> None:
        """Jump by `jump_ms` now, and run at another rate from now on."""
        self._own_ms = self.read(now_ms) + jump_ms
        self._since_ms = now_ms
        self.rate_percent = rate_percent
