"""Keeps the events of a run in memory, so that a trace can be written later.

Memory is bounded. Past the bound the recorder keeps the beginning, where a replay starts, and reports that the end is
missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simulator.trace.events import EVENTS, Event
from simulator.trace.observer import Handler, Observer

MOST_EVENTS = 2_000_000
"""About half a gigabyte."""


class TraceRecorder(Observer):
    """Keeps all events. `cut` is the reason why recording stopped, or "" while it continues."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self.cut = ""
        self._most = most_events
        self._kept: list[Event] = []

    def __len__(self) -> int:
        """The number of events kept."""
        return len(self._kept)

    def event(self, index: int) -> Event:
        """The recorded event of this index, from 0."""
        return self._kept[index]

    def events(self) -> Iterator[Event]:
        """The recorded events, in order."""
        return iter(self._kept)

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return dict.fromkeys(EVENTS, self._keep)

    def _keep(self, event: Event) -> None:
        if len(self._kept) < self._most:
            self._kept.append(event)
        elif not self.cut:
            self.cut = f"the bound of {self._most} events was reached"
