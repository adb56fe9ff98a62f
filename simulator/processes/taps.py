"""A look at the messages that pass, for a person: a sample, so that it costs little however many there are."""

from __future__ import annotations

import time
from collections import deque

from simulator.describe import describe
from simulator.processes.queue import split
from simulator.wire import decode_message

KEPT = 200
LOOKS_PER_SECOND = 100


class Tap:
    """The newest messages as text. Closed until somebody opens it."""

    def __init__(self) -> None:
        self.open = False
        self.lines: deque[str] = deque(maxlen=KEPT)
        self._second = 0
        self._looks = 0

    def look(self, source: int, targets: tuple[int, ...], body: bytes) -> None:
        """Note the first message of a frame, unless enough were noted in this second."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._looks = second, 0
        if self._looks >= LOOKS_PER_SECOND:
            return
        self._looks += 1
        message = next(split(body))
        self.lines.append(f"{source}>{','.join(map(str, targets))} {describe(decode_message(message))}")
