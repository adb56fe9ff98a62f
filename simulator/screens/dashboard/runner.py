"""Carries out typed lines in a thread of its own, one after the other, so that typing never waits for an answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Protocol

import msgspec

from simulator.cluster.log_filter import LogFilter
from simulator.cluster.meter import LoadProgress
from simulator.views.sheet import Cell, View, bit


class LineConsole(Protocol):
    """The console as the lab sees it: lines in, views out."""

    def run(self, line: str) -> bool:
        """Carry out a line and write its results; False when it ends the session. It may take long."""
        ...

    def complete(self, before: str) -> Sequence[str]:
        """The words that may stand where the last word of `before` stands; it must return at once."""
        ...

    def interrupt(self) -> None:
        """End a waiting command early."""
        ...

    def loads(self) -> Sequence[LoadProgress]:
        """The loads under way; it must return at once."""
        ...

    def time_words(self) -> str:
        """How virtual time passes, in a few words; "" for real time. It must return at once."""
        ...


class ShowHelp(msgspec.Struct, frozen=True):
    """A line asked for the page of help."""


class ShowLog(msgspec.Struct, frozen=True):
    """A line asked for a part of the running log."""

    wanted: LogFilter


Item = View | Cell | ShowHelp | ShowLog
"""What comes to the screen from the lines that are carried out."""


class Runner:
    """A queue of typed lines and the thread that carries them out. `busy` is the running line, "" for none."""

    def __init__(self, console: LineConsole) -> None:
        self._console = console
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="lab console", daemon=True)
        self.busy = ""
        self.over = False
        self.trouble: Exception | None = None

    def start(self) -> None:
        """Start taking lines."""
        self._thread.start()

    def give(self, line: str) -> None:
        """Carry out `line` after those given before."""
        self._lines.put(line)

    def stop(self, timeout_s: float = 2.0) -> None:
        """Take no more lines, and interrupt the running one."""
        self._lines.put(None)
        self._console.interrupt()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def waiting(self) -> int:
        """How many lines wait behind the running one."""
        return self._lines.qsize()

    def wait(self) -> None:
        """Return once all given lines have been carried out."""
        self._lines.join()

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            self.busy = line
            try:
                going_on = self._console.run(line)
            except Exception as error:  # noqa: BLE001  # Shown by the app, which then ends: it is a bug of ours.
                self.trouble = error
                return
            finally:
                self.busy = ""
                self._lines.task_done()
            if not going_on:
                self.over = True
                return


class Pending:
    """Output of any thread that is not yet on the screen. It never blocks and is bounded."""

    MOST = 500

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()

    def write(self, what: Item) -> None:
        """Queue output for the screen; any thread may call it."""
        self._items.put(what)

    def take(self) -> list[Item]:
        """All output since the last call; of too much, the newest `MOST` and a note about the rest."""
        count = self._items.qsize()
        skipped = max(0, count - self.MOST)
        for _ in range(skipped):
            self._items.get()
        taken: list[Item] = [bit(f"({skipped} lines left out)", "dim")] if skipped else []
        taken.extend(self._items.get() for _ in range(count - skipped))
        return taken
