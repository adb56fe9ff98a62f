"""Functions that other threads hand to the supervisor's thread, and the self-pipe that wakes it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from os import close, pipe, read, set_blocking, write

_DRAINED_BYTES = 4_096


class CallQueue:
    """Not safe for threads: its user holds a lock. `fd` becomes readable after `wake`, for a selector."""

    def __init__(self) -> None:
        self.fd, self._write_end = pipe()
        for fd in (self.fd, self._write_end):
            set_blocking(fd, False)
        self._calls: list[tuple[Callable[[], None], Future[None]]] = []

    def put(self, function: Callable[[], None]) -> Future[None]:
        """Have `function` called at the next `make_calls`. The future gets what it raises."""
        done: Future[None] = Future()
        self._calls.append((function, done))
        self.wake()
        return done

    def wake(self) -> None:
        """Make `fd` readable."""
        with suppress(BlockingIOError):  # A full pipe wakes as well.
            write(self._write_end, b"!")

    def drain(self) -> None:
        """Empty the pipe: call this when `fd` is readable."""
        with suppress(BlockingIOError):
            read(self.fd, _DRAINED_BYTES)

    def make_calls(self) -> None:
        """Call everything that waits, in order."""
        calls, self._calls = self._calls, []
        for function, done in calls:
            try:
                function()
            except Exception as error:  # noqa: BLE001  Its caller gets it.
                done.set_exception(error)
            else:
                done.set_result(None)

    def fail(self, error: BaseException) -> None:
        """End every waiting call with `error`: nothing will call it."""
        for _, done in self._calls:
            done.set_exception(error)

    def close(self) -> None:
        """Close the pipe."""
        close(self.fd)
        close(self._write_end)
