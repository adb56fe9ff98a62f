"""What the machine itself can do: the bare loops beside which our figures stand.

Loops that wait for nothing are measured in processor time, so that other load on the machine does not count.
"""

from __future__ import annotations

import heapq
import os
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import median

from simulator.tools.bench.case import Case, Effort

LINE = b"x" * 260 + b"\n"
"""The size of one vote on an operation of 200 bytes in the journal, in bytes."""

_sync_data = getattr(os, "fdatasync", os.fsync)


def append_and_sync(effort: Effort) -> Sequence[float]:
    """Milliseconds of one append and one sync."""
    times = []
    with tempfile.TemporaryDirectory(prefix="paxsim-bench-") as directory:
        fd = os.open(Path(directory) / "file", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            for _ in range(effort.pick(500, 20)):
                began = time.perf_counter()
                os.write(fd, LINE)
                _sync_data(fd)
                times.append(1000 * (time.perf_counter() - began))
        finally:
            os.close(fd)
    return [median(times)]


def hashing(effort: Effort) -> Sequence[float]:
    """SHA-256 a second, over the text that one try of mining adds to a copied state."""
    tries = effort.pick(500_000, 10_000)
    copy = sha256(LINE).copy
    began = time.process_time()
    for _ in range(tries):
        state = copy()
        state.update(b"123")
        state.digest()
    return [tries / (time.process_time() - began)]


def heap(effort: Effort) -> Sequence[float]:
    """Messages a second through a bare `heapq`: 64 under way, five fields each, due at random times."""
    count = effort.pick(300_000, 10_000)
    delay = Random(1).random
    queue: list[tuple[float, int, int, int, bytes]] = []
    for number in range(64):
        heapq.heappush(queue, (delay(), number, 1, 2, LINE))
    began = time.process_time()
    for number in range(64, count + 64):
        at, _, source, target, message = heapq.heappop(queue)
        heapq.heappush(queue, (at + delay(), number, target, source, message))
    return [count / (time.process_time() - began)]


CASES = [
    Case(
        name="machine/append-and-sync",
        story="a line appended to a file and synced",
        unit="ms",
        better="lower",
        measure=append_and_sync,
    ),
    Case(
        name="machine/hash",
        story="hashes as mining makes them, without asking whether they pass",
        unit="hashes/s",
        better="higher",
        measure=hashing,
    ),
]
