"""Those who watch a run: their calls, one list a kind, so that telling nobody costs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulator.observer import Observer


class Onlookers:
    """For each kind of call of `Observer`, the bound methods of all observers, in the order in which they came."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        watching = tuple(observers)
        self.asked = tuple(observer.asked for observer in watching if _listens(observer, "asked"))
        self.told = tuple(observer.told for observer in watching if _listens(observer, "told"))
        self.sent = tuple(observer.sent for observer in watching if _listens(observer, "sent"))
        self.delivered = tuple(observer.delivered for observer in watching if _listens(observer, "delivered"))
        self.lost = tuple(observer.lost for observer in watching if _listens(observer, "lost"))
        self.woken = tuple(observer.woken for observer in watching if _listens(observer, "woken"))
        self.recovered = tuple(observer.recovered for observer in watching if _listens(observer, "recovered"))
        self.recorded = tuple(observer.recorded for observer in watching if _listens(observer, "recorded"))
        self.synced = tuple(observer.synced for observer in watching if _listens(observer, "synced"))
        self.applied = tuple(observer.applied for observer in watching if _listens(observer, "applied"))
        self.ended = tuple(observer.ended for observer in watching if _listens(observer, "ended"))
        self.struck = tuple(observer.struck for observer in watching if _listens(observer, "struck"))


def _deaf(*_: Any) -> None:
    """Does nothing, as the methods of an observer do that has no use for a kind of call."""


def _listens(observer: Observer, name: str) -> bool:
    """False for a method whose body is its docstring alone: calling it a million times would change nothing."""
    code = getattr(getattr(type(observer), name, None), "__code__", None)
    return code is None or code.co_code != _deaf.__code__.co_code
