"""Counts what clients get: answers a second, how long they took, and when the last leader was elected."""

from __future__ import annotations

from collections import deque
from statistics import median

import msgspec

SECONDS_KEPT = 120
RECENT_MS = 5_000
"""Over how long, in milliseconds, latencies are taken."""
RATE_SECONDS = 3
"""Over how many whole seconds the rate is taken."""
_MOST_LATENCIES = 5_000


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """How busy a cluster is at one moment. Times are in milliseconds of cluster time.

    `rate` is answers a second, lately; `per_second` the answers of each of the last whole seconds, the newest last.
    `latency_ms` is the median of recent answers and `late_ms` what one in a hundred exceeds, None without any.
    `waiting` counts requests without an answer, `elections` those that were won, and `elected_ms` is when the last was.
    """

    rate: float = 0.0
    per_second: tuple[int, ...] = ()
    latency_ms: int | None = None
    late_ms: int | None = None
    waiting: int = 0
    elections: int = 0
    elected_ms: int | None = None


class LoadProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a load has come: its time, and its requests `sent` and `answered` of `total`."""

    number: int
    passed_ms: int
    for_ms: int
    sent: int
    answered: int
    total: int


class Meter:
    """Takes in answers and elections in order of time."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque(maxlen=_MOST_LATENCIES)  # When it was answered, and how long.
        self._seconds: deque[tuple[int, int]] = deque(maxlen=SECONDS_KEPT)  # A second with answers, and how many.
        self._elections = 0
        self._elected_ms: int | None = None

    def answered(self, now_ms: int, took_ms: int) -> None:
        """A client got its answer after `took_ms`."""
        self._recent.append((now_ms, took_ms))
        second = now_ms // 1000
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1] = (second, self._seconds[-1][1] + 1)
        else:
            self._seconds.append((second, 1))

    def elected(self, now_ms: int) -> None:
        """A node has won an election."""
        self._elections += 1
        self._elected_ms = now_ms

    def figures(self, now_ms: int, waiting: int) -> Figures:
        """The figures now."""
        from_ms = now_ms - RECENT_MS
        took = sorted(took_ms for at_ms, took_ms in self._recent if at_ms > from_ms)
        this = now_ms // 1000
        counts = dict(self._seconds)
        per_second = tuple(counts.get(second, 0) for second in range(max(0, this - SECONDS_KEPT), this))
        newest = per_second[-RATE_SECONDS:]
        return Figures(
            rate=sum(newest) / max(1, len(newest)),
            per_second=per_second,
            latency_ms=round(median(took)) if took else None,
            late_ms=took[min(len(took) - 1, len(took) * 99 // 100)] if took else None,
            waiting=waiting,
            elections=self._elections,
            elected_ms=self._elected_ms,
        )
