"""The console at a terminal, over a fake cluster in real time: run it with `python -m`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import RLock
from typing import Literal
from unittest.mock import patch

from simulator.screens.console import main as console
from simulator.settings import Settings
from tests.simulator.scenario import fake
from tests.simulator.scenario.fake import FakeCluster


class RealTimeFake(FakeCluster):
    """The fake cluster by a real clock; several threads may wait for it."""

    world: Literal["processes", "virtual"] = "processes"

    def __init__(self, settings: Settings | None = None) -> None:
        self._started = time.monotonic()
        self._turn = RLock()
        super().__init__(settings)

    def now_ms(self) -> int:
        """Milliseconds since the start."""
        return int((time.monotonic() - self._started) * 1000)

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """Sleep in small steps; what has become due happens in whichever thread waits."""
        until = self.now_ms() + within_ms
        while not condition():
            if self.now_ms() >= until:
                return False
            with self._turn:
                left = self.now_ms() - self._now_ms
                super().wait(lambda: False, max(0, left))
            time.sleep(0.002)
        return True

    def attend(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """The same: this time never stands still."""
        return self.wait(condition, within_ms)


if __name__ == "__main__":
    fake.CLIENT_TIMEOUT_MS = 1_000
    with patch.object(console, "open_cluster", lambda _world, settings, **_: RealTimeFake(settings)):
        try:
            sys.exit(console.run_console(Settings()))
        except KeyboardInterrupt:
            sys.exit(130)
