"""Those who watch a run: their calls, one list a kind, so that telling nobody costs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from paxos.records import JournalRecord
from simulator.faults.faults import Fault
from simulator.node.client_api import ClientCall, NodeReport
from simulator.node.storage.storage import Recovered
from simulator.trace.observer import Observer


class NullObserver:
    """An `Observer` that takes no notice of anything: whoever derives from it listens to what it overrides alone."""

    def asked(self, at_ms: int, node: NodeId, call: ClientCall) -> None:
        """See `Observer`."""

    def told(self, at_ms: int, node: NodeId, report: NodeReport) -> None:
        """See `Observer`."""

    def sent(self, at_ms: int, node: NodeId, to: tuple[NodeId, ...], message: AnyMessage, number: int) -> None:
        """See `Observer`."""

    def delivered(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""

    def lost(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""

    def woken(self, at_ms: int, node: NodeId, timer: Timer) -> None:
        """See `Observer`."""

    def recovered(self, at_ms: int, node: NodeId, recovered: Recovered) -> None:
        """See `Observer`."""

    def recorded(self, at_ms: int, node: NodeId, records: Sequence[JournalRecord]) -> None:
        """See `Observer`."""

    def synced(self, at_ms: int, node: NodeId) -> None:
        """See `Observer`."""

    def applied(self, at_ms: int, node: NodeId, blocks: Sequence[Block]) -> None:
        """See `Observer`."""

    def ended(self, at_ms: int, node: NodeId, how: str) -> None:
        """See `Observer`."""

    def struck(self, at_ms: int, fault: Fault) -> None:
        """See `Observer`."""


class ObserverList:
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
