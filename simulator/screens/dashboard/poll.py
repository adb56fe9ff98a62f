"""Reads a cluster from a thread of its own, so that the screen never waits for a node.

`latest` holds the newest result and never blocks. A read that is expensive is done less often: polling never uses more
than its share of a core.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Poll(Generic[T]):
    """Calls `read` repeatedly from a thread. `latest` is its last result, `first` before that.

    `share` is the largest part of a core that the calls may take, from 0 to 1. An exception ends the polling and is
    kept in `trouble`: the code that shows the result must raise it rather than show an old one.
    """

    def __init__(self, name: str, read: Callable[[], T], first: T, *, every_s: float, share: float = 0.1) -> None:
        self._read = read
        self._every_s = every_s
        self._share = share
        self._ended = threading.Event()
        self._refresh = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.latest = first
        self.trouble: Exception | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def refresh(self) -> None:
        """Read again now: something else is to be read."""
        self._refresh.set()

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread, and wait for a running call no longer than `timeout_s` seconds."""
        self._ended.set()
        self._refresh.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._ended.is_set():
            began = time.thread_time()
            self._refresh.clear()
            try:
                self.latest = self._read()
            except Exception as error:  # noqa: BLE001  # Shown to the person, who else would look at a dead screen.
                if not self._ended.is_set():
                    self.trouble = error
                return
            took = time.thread_time() - began
            self._refresh.wait(max(self._every_s, took / self._share - took))
