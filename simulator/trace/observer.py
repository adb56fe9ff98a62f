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


class ByMessage(dict[type, Handler]):
    """A handler of events with a message, which handles those with messages of these types."""

    def __call__(self, event: Any) -> None:
        """Handle one event; messages of other types are ignored."""
        handler = self.get(type(event.message))
        if handler is not None:
            handler(event)


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

    def by_message(self, kind: type[Event]) -> HandlersByMessage:
        """The handlers of one type of event with a message, by the type of the message."""
        return HandlersByMessage(self.of(kind))


class HandlersByMessage(dict[type, tuple[Handler, ...]]):
    """The handlers for each type of message, found when the first such message comes; empty if no observer has one."""

    def __init__(self, handlers: tuple[Handler, ...]) -> None:
        super().__init__()
        self._handlers = handlers

    def __missing__(self, message: type) -> tuple[Handler, ...]:
        found: list[Handler] = []
        for handler in self._handlers:
            if not isinstance(handler, ByMessage):
                found.append(handler)
            elif message in handler:
                found.append(handler[message])
        self[message] = tuple(found)
        return self[message]


def replay(events: Iterable[Event], *observers: Observer) -> None:
    """Pass recorded events to observers."""
    listening = ObserverList(observers)
    for event in events:
        for handle in listening.of(type(event)):
            handle(event)
