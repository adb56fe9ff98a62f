"""Sleeps until a file descriptor is ready, and knows what to call then."""

from __future__ import annotations

import selectors
from collections.abc import Callable
from select import select

from simulator.worlds.processes.process_flags import wake_in_time

_SELECT_LIMIT = 1_024  # select(2) cannot look at higher file descriptors.


class Poller:
    """One persistent selector, and a handler for each file descriptor. Not safe for threads, `wait` excepted."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._punctual = False

    def register(self, fd: int, handler: Callable[[], None], events: int = selectors.EVENT_READ) -> None:
        """Call `handler` when `fd` is readable (or as `events` says)."""
        self._handlers[fd] = handler
        self._selector.register(fd, events)

    def unregister(self, fd: int) -> None:
        """Forget `fd`, if it is registered."""
        if self._handlers.pop(fd, None) is not None:
            self._selector.unregister(fd)

    def wait(self, timeout_s: float | None, *, exact: bool) -> list[int]:
        """Sleep until something is ready, or for `timeout_s`. `exact`: fractions of a millisecond matter."""
        if exact and timeout_s is not None and 0 < timeout_s < 1 and (fd := self._fd()) is not None:
            if not self._punctual:
                self._punctual = True
                wake_in_time()
            select([fd], [], [], timeout_s)  # epoll counts whole milliseconds, which would show in latencies.
            timeout_s = 0
        return [key.fd for key, _ in self._selector.select(timeout_s)]

    def dispatch(self, ready: list[int]) -> None:
        """Call the handlers of what `wait` returned."""
        for fd in ready:
            handler = self._handlers.get(fd)
            if handler is not None:  # An earlier handler may have unregistered it.
                handler()

    def close(self) -> None:
        """Close the selector."""
        self._selector.close()

    def _fd(self) -> int | None:
        """The selector's own file descriptor, where it has one that select(2) takes."""
        fileno = getattr(self._selector, "fileno", None)
        fd: int = fileno() if fileno is not None else _SELECT_LIMIT
        return fd if fd < _SELECT_LIMIT else None
