"""A condition on which Ctrl-C may interrupt a wait at any point."""

from __future__ import annotations

import threading


class Changes(threading.Condition):
    """The condition of a re-entrant lock. Take the lock itself: `with lock:`, and not `with changes:`.

    `threading.Condition` has three points at which KeyboardInterrupt leaves the lock in the wrong state: the first and
    the last of its own `with` statement, after which the lock stays taken, and one in `wait`, after which it is free
    though a `with` statement is going to release it.
    """

    def wait(self, timeout: float | None = None) -> bool:
        """See `threading.Condition`. The lock must be held once, and is held afterwards, whatever happens."""
        try:
            return super().wait(timeout)
        except KeyboardInterrupt:
            if not self._is_owned():  # type: ignore[attr-defined]
                self.acquire()
            raise
