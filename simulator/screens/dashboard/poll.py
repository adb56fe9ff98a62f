"""Looking at a cluster from a thread of its own, so that the screen never waits for a node and no node for the screen.

The reader finds the newest picture in `latest` and never blocks. A look that turns out to be dear is taken more
seldom: no poll uses more than its share of a core, whatever the cluster has grown to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Poll(Generic[T]):
    """Calls `read` again and again from a thread. `latest` is what it returned last, `first` before that.

    `share` is the largest part of a core that the calls may take, from 0 to 1. An exception ends the polling and is
    kept in `trouble` for whoever shows pictures: a screen that silently stands still would lie.
    """

    def __init__(self, name: str, read: Callable[[], T], first: T, *, every_s: float, share: float = 0.1) -> None:
        self._read = read
        self._every_s = every_s
        self._share = share
        self._ended = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.latest = first
        self.trouble: Exception | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def hurry(self) -> None:
        """Look again now: something else is to be looked at."""
        self._hurry.set()

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread, waiting for a call under way no longer than `timeout_s`."""
        self._ended.set()
        self._hurry.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._ended.is_set():
            began = time.thread_time()
            self._hurry.clear()
            try:
                self.latest = self._read()
            except Exception as error:  # noqa: BLE001  # Shown to the person, who else would look at a dead screen.
                if not self._ended.is_set():
                    self.trouble = error
                return
            took = time.thread_time() - began
            self._hurry.wait(max(self._every_s, took / self._share - took))
