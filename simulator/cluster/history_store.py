"""Where the history of a cluster's clients is kept: in memory here, or in a file of a world (`RecordedHistory`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from paxos.messages import RequestId
from simulator.cluster.history import Event


class HistoryStore(Protocol):
    """Keeps calls and returns in the order of time. A `name` is that of a write; reads have none."""

    def called(self, event: Event, name: RequestId | None) -> int:
        """A client called. Returns the number of the call."""
        ...

    def corrected(self, number: int, event: Event) -> None:
        """Only the answer told what the call `number` was: `event` stands in its place."""
        ...

    def returned(self, number: int, event: Event, name: RequestId | None) -> None:
        """The call `number` ended."""
        ...

    def events(self) -> Sequence[Event]:
        """A copy of all events so far."""
        ...


class HistoryList:
    """A history in memory."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def called(self, event: Event, name: RequestId | None) -> int:
        """See `HistoryStore`."""
        self._events.append(event)
        return len(self._events) - 1

    def corrected(self, number: int, event: Event) -> None:
        """See `HistoryStore`."""
        self._events[number] = event

    def returned(self, number: int, event: Event, name: RequestId | None) -> None:
        """See `HistoryStore`."""
        self._events.append(event)

    def events(self) -> Sequence[Event]:
        """See `HistoryStore`."""
        return list(self._events)
