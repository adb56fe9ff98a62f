"""A stream of writes as it was measured: how many, how long, and the processor time of all processes that took part.

Processor time is what a write costs whether or not something else runs on the machine, so it can be compared between a
quiet machine and a busy one. It is user and system time, from the clocks that Linux keeps for each process.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.tools.bench.case import Skipped

_BUSY = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True: pass
"""
"""It ends with the pipe to its parent, however that ended."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Answered writes, and the seconds of time and of processor that they took; not a number where no clock tells."""

    writes: int
    seconds: float
    processor_s: float

    @property
    def rate(self) -> float:
        """Writes a second."""
        return self.writes / self.seconds

    @property
    def processor_us(self) -> float:
        """Microseconds of processor a write.

        Raises:
            Skipped: this system does not tell.
        """
        if math.isnan(self.processor_s):
            raise Skipped("only Linux tells the processor time of another process while it runs.")
        return 1_000_000 * self.processor_s / self.writes


def processor_s() -> float:
    """Seconds of processor that this process and its `multiprocessing` children have used; not a number if unknown.

    Raises:
        RuntimeError: a child has just ended.
    """
    if sys.platform != "linux":
        return math.nan
    spent = time.process_time()
    for child in multiprocessing.active_children():
        try:
            spent += time.clock_gettime(~(child.pid or 0) << 3 | 2)  # As clock_getcpuclockid(3) of the C library.
        except OSError:
            raise RuntimeError("a process has ended while it was measured") from None
    return spent


@contextmanager
def busy_cores() -> Iterator[None]:
    """One busy loop a core beside what is measured. They are no `multiprocessing` children, so they do not count."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    loops = [subprocess.Popen([sys.executable, "-c", _BUSY], stdin=subprocess.PIPE) for _ in range(cores)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
            if loop.stdin is not None:
                loop.stdin.close()
