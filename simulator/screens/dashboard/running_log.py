"""The running log with its chatter folded, so that an election can still be found after a minute of load."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.cluster.events import ClusterEvent
from simulator.cluster.log_filter import CHATTER, EVERYTHING, LogFilter

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster, LogMark

FOLD_FROM = 24
"""So many messages and answers within one second are shown as one line with their counts."""
LINES_KEPT = 1_000
FOLDED = "folded"
"""The kind of such a line."""


@dataclass(frozen=True, slots=True)
class LogLines:
    """The newest `lines` of a part of the running log, oldest first, of `count` that there ever were."""

    of: LogFilter = EVERYTHING
    count: int = 0
    lines: Sequence[ClusterEvent] = ()


class RunningLog:
    """The newest lines of one part of the running log.

    A second is folded when it has `FOLD_FROM` messages and answers, unless the part consists of nothing else.
    """

    def __init__(self, of: LogFilter = EVERYTHING) -> None:
        self._of = of
        self._count = 0
        self._folds = of.what not in {"messages", "answers"}
        self._done: deque[ClusterEvent] = deque(maxlen=LINES_KEPT)
        self._second = 0
        self._events: list[ClusterEvent] = []  # Those of the newest second, as they came.

    def feed(self, events: Iterable[ClusterEvent]) -> None:
        """Take in events, in order of time; those of another part are left out."""
        for event in events:
            if not self._of.takes(event):
                continue
            second = event.at_ms // 1000
            if second != self._second or (not self._folds and len(self._events) >= FOLD_FROM):
                lines = self._newest()
                self._done.extend(lines)
                self._count += len(lines)
                self._second, self._events = second, []
            self._events.append(event)

    def lines(self) -> LogLines:
        """The log now."""
        newest = self._newest()
        return LogLines(self._of, self._count + len(newest), (*self._done, *newest))

    def _newest(self) -> list[ClusterEvent]:
        chatter = [event for event in self._events if event.kind in CHATTER]
        if len(chatter) < FOLD_FROM or not self._folds:
            return self._events
        return [*(event for event in self._events if event.kind not in CHATTER), folded(chatter)]


def folded(chatter: list[ClusterEvent]) -> ClusterEvent:
    """Messages and answers as one line: how many of each kind, and how many copies did not go their way."""
    kinds = Counter(event.text.split(maxsplit=3)[2] if event.kind == "sent" else "answers" for event in chatter)
    fates: Counter[str] = Counter()
    for event in chatter:
        for fate in event.fates:
            fates[fate.what] += len(fate.to)
    text = ", ".join(f"{kind} x{count}" for kind, count in kinds.most_common())
    if fates:
        text += " · " + ", ".join(f"{what} {count}" for what, count in fates.most_common())
    return ClusterEvent(at_ms=chatter[-1].at_ms, node=0, kind=FOLDED, text=text)


class LogReader:
    """Reads one part of a cluster's running log, a little at a time. `of` may be set from another thread."""

    def __init__(self, cluster: Cluster) -> None:
        self.of = EVERYTHING
        self._cluster = cluster
        self._log = RunningLog()
        self._reads = EVERYTHING
        self._mark: LogMark = (0, 0, 0)
        self._generation = 0  # Of a rewindable cluster: the one that the log is of.

    def read(self) -> LogLines:
        """The log now."""
        world = self._cluster.rewindable
        generation = 0 if world is None else world.generation
        if self._reads != self.of or self._generation != generation:
            self._reads, self._generation, self._mark = self.of, generation, (0, 0, 0)
            self._log = RunningLog(self._reads)
        self._mark, news = self._cluster.news(self._mark, self._reads)
        self._log.feed(news)
        return self._log.lines()
