"""Observers of a run: each names the types of events that it handles.

Both worlds pass events to observers in the order in which they happen, and so does the replay of a trace. An observer
never changes what it observes. A world does not create an event that no observer handles.
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
        """The types of events that this observer handles, each with its handler."""

    def observe(self, event: Event) -> None:
        """Handle one event; events of other types are ignored."""
        handler = self.handlers().get(type(event))
        if handler is not None:
            handler(event)


class ObserverList:
    """Several observers; they are called in this order."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self.handlers: dict[type[Event], tuple[Handler, ...]] = {}
        for observer in observers:
            for kind, handler in observer.handlers().items():
                self.handlers[kind] = (*self.handlers.get(kind, ()), handler)

    def of(self, kind: type[Event]) -> tuple[Handler, ...]:
        """The handlers of one type of event; empty if no observer handles it."""
        return self.handlers.get(kind, ())


def replay(events: Iterable[Event], *observers: Observer) -> None:
    """Pass recorded events to observers."""
    listening = ObserverList(observers)
    for event in events:
        for handle in listening.of(type(event)):
            handle(event)
