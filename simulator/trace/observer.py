"""Observers of a run, which name the types of events that they handle.

Both worlds call them as events happen, in one order; whoever reads a trace back does the same. An observer changes
nothing of what it observes. No event is made of a type that no observer handles.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from simulator.trace.events import Event

Handler = Callable[[Any], None]
"""Handles events of one type."""


class Observer(ABC):
    """Handles the events of some types, in the order in which they happen."""

    @abstractmethod
    def handlers(self) -> Mapping[type[Event], Handler]:
        """The types that this observer handles, each with its handler."""

    def observe(self, event: Event) -> None:
        """Handle one event, if it is of a type that this observer handles."""
        handler = self.handlers().get(type(event))
        if handler is not None:
            handler(event)


class ObserverList:
    """Several observers, in the order in which they are called."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._handlers: dict[type[Event], tuple[Handler, ...]] = {}
        for observer in observers:
            for kind, handler in observer.handlers().items():
                self._handlers[kind] = (*self._handlers.get(kind, ()), handler)

    def of(self, kind: type[Event]) -> tuple[Handler, ...]:
        """The handlers of one type of event; empty when nobody handles it."""
        return self._handlers.get(kind, ())


def replay(events: Iterable[Event], *observers: Observer) -> None:
    """Call the observers again with recorded events."""
    listening = ObserverList(observers)
    for event in events:
        for handle in listening.of(type(event)):
            handle(event)
