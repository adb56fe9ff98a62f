"""The limits of one check: time and memory. Past them the verdict is unknown, never a guess."""

from __future__ import annotations

import time


class OutOfBudget(Exception):
    """A limit was reached. The text says which one; `progress` how far it came and what would help, in sentences."""

    progress = ""


class Budget:
    """The limits for one history: `limit_s` seconds from now (None: no limit), and the memory of a search."""

    MOST_BYTES = 1 << 30
    EACH_BYTES = 250
    """About how much memory a stored configuration takes beside its state."""

    def __init__(self, limit_s: float | None = None) -> None:
        self.limit_s = limit_s
        self.until = None if limit_s is None else time.monotonic() + limit_s

    def left_s(self) -> float | None:
        """The seconds that are left; None without a limit."""
        return None if self.until is None else max(0.0, self.until - time.monotonic())

    def check(self, configurations: int = 0, state_bytes: int = 0) -> None:
        """Raise if a limit is reached. `state_bytes` is the size of one state, `configurations` how many are stored.

        Raises:
            OutOfBudget: a limit was reached.
        """
        if self.until is not None and time.monotonic() > self.until:
            raise OutOfBudget(f"not settled within {self.limit_s:g} s")
        if configurations * (self.EACH_BYTES + state_bytes) > self.MOST_BYTES:
            raise OutOfBudget(f"not settled within {self.MOST_BYTES / 2**20:g} MB of memory")
