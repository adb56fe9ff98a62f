"""Carries out typed lines in a thread of its own, one after the other, so that typing never waits for an answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Protocol

from simulator.views.sheet import Cell, View, bit


class LineConsole(Protocol):
    """The one grammar, as the lab sees it: lines in, views out."""

    def run(self, line: str) -> bool:
        """Carry out a line, saying what there is to say; False when it ends the session. May take its time."""
        ...

    def complete(self, before: str) -> Sequence[str]:
        """The words that may stand where the last word of `before` stands; called from the screen, so at once."""
        ...

    def interrupt(self) -> None:
        """End a waiting command early."""
        ...


class Runner:
    """A queue of typed lines and the thread that works it off. `busy` is the line under way, "" for none."""

    def __init__(self, console: LineConsole) -> None:
        self._console = console
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="lab console", daemon=True)
        self.busy = ""
        self.over = False
        self.trouble: Exception | None = None

    def start(self) -> None:
        """Begin to take lines."""
        self._thread.start()

    def give(self, line: str) -> None:
        """Carry out `line` after those given before."""
        self._lines.put(line)

    def stop(self, timeout_s: float = 2.0) -> None:
        """Take no more lines; what is under way is interrupted."""
        self._lines.put(None)
        self._console.interrupt()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def waiting(self) -> int:
        """How many lines wait behind the one under way."""
        return self._lines.qsize()

    def wait(self) -> None:
        """Return once every line given so far has been carried out."""
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


class Sayings:
    """What was said by any thread and is not yet on the screen. Never blocks, never grows without bound."""

    MOST = 500

    def __init__(self) -> None:
        self._said: queue.SimpleQueue[View | Cell] = queue.SimpleQueue()

    def write(self, what: View | Cell) -> None:
        """Put something on its way to the screen; called from any thread."""
        self._said.put(what)

    def take(self) -> list[View | Cell]:
        """All that has been said since the last time; of a flood the newest `MOST`, and a word about the rest."""
        count = self._said.qsize()
        skipped = max(0, count - self.MOST)
        for _ in range(skipped):
            self._said.get()
        taken: list[View | Cell] = [bit(f"({skipped} lines left out)", "dim")] if skipped else []
        taken.extend(self._said.get() for _ in range(count - skipped))
        return taken
