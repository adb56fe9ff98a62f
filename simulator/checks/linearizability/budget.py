"""What a verdict may cost: a bound in time and one in memory. Beyond them the verdict is unknown, never a guess."""

from __future__ import annotations

import time


class OutOfBudget(Exception):
    """The bound was reached. The text says which one."""


class Budget:
    """Bounds for one history: `limit_s` seconds from now (None: no limit), and a bound for what a search remembers."""

    MOST_BYTES = 1 << 30
    EACH_BYTES = 250
    """What remembering one configuration takes beside its state, about."""

    def __init__(self, limit_s: float | None = None) -> None:
        self.limit_s = limit_s
        self.until = None if limit_s is None else time.monotonic() + limit_s

    def check(self, configurations: int = 0, state_bytes: int = 0) -> None:
        """Ask now and then, with how many configurations are remembered and how large a state is.

        Raises:
            OutOfBudget: a bound was reached.
        """
        if self.until is not None and time.monotonic() > self.until:
            raise OutOfBudget(f"not settled within {self.limit_s:g} s")
        if configurations * (self.EACH_BYTES + state_bytes) > self.MOST_BYTES:
            raise OutOfBudget(f"not settled within {self.MOST_BYTES / 2**20:g} MB of memory")
