"""Keeps what happens in a run, as it happens, for a trace to be written later: an `Observer` that only remembers.

What it keeps are the very objects that the world handed on, which are frozen, so an event costs a tuple. It is bounded:
past its bound it keeps the beginning, which is what a replay starts from, and says that the end is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from paxos.records import JournalRecord
from simulator.faults.faults import Fault
from simulator.node.client_api import ClientCall, NodeReport
from simulator.node.storage.storage import Recovered
from simulator.trace.observer import Observer

Kind = Literal[
    "asked", "told", "sent", "delivered", "lost", "woken",
    "recovered", "recorded", "synced", "applied", "ended", "struck",
]  # fmt: skip
"""The name of one call of `Observer`."""

Happening = tuple[Kind, tuple[Any, ...]]
"""One call of `Observer`: its name, and its arguments, the time first."""

MOST_EVENTS = 2_000_000
"""About half a gigabyte."""


def play(happenings: Iterable[Happening], *observers: Observer) -> None:
    """Make the same calls again."""
    for kind, args in happenings:
        for observer in observers:
            getattr(observer, kind)(*args)


class TraceRecorder:
    """See the module and `Observer`. `cut` tells why recording stopped, or is empty."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self.cut = ""
        self._most = most_events
        self._kept: list[Happening] = []

    def __len__(self) -> int:
        """How many events are kept."""
        return len(self._kept)

    def happenings(self) -> Iterator[Happening]:
        """What was recorded, in order."""
        return iter(self._kept)

    def _keep(self, kind: Kind, *args: object) -> None:
        if len(self._kept) < self._most:
            self._kept.append((kind, args))
        elif not self.cut:
            self.cut = f"the bound of {self._most} events was reached"

    def asked(self, at_ms: int, node: NodeId, call: ClientCall) -> None:
        """See `Observer`."""
        self._keep("asked", at_ms, node, call)

    def told(self, at_ms: int, node: NodeId, report: NodeReport) -> None:
        """See `Observer`."""
        self._keep("told", at_ms, node, report)

    def sent(self, at_ms: int, node: NodeId, to: tuple[NodeId, ...], message: AnyMessage, number: int) -> None:
        """See `Observer`."""
        self._keep("sent", at_ms, node, to, message, number)

    def delivered(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""
        self._keep("delivered", at_ms, source, node, message, number)

    def lost(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""
        self._keep("lost", at_ms, source, node, message, number)

    def woken(self, at_ms: int, node: NodeId, timer: Timer) -> None:
        """See `Observer`."""
        self._keep("woken", at_ms, node, timer)

    def recovered(self, at_ms: int, node: NodeId, recovered: Recovered) -> None:
        """See `Observer`."""
        self._keep("recovered", at_ms, node, recovered)

    def recorded(self, at_ms: int, node: NodeId, records: Sequence[JournalRecord]) -> None:
        """See `Observer`."""
        self._keep("recorded", at_ms, node, tuple(records))

    def synced(self, at_ms: int, node: NodeId) -> None:
        """See `Observer`."""
        self._keep("synced", at_ms, node)

    def applied(self, at_ms: int, node: NodeId, blocks: Sequence[Block]) -> None:
        """See `Observer`."""
        self._keep("applied", at_ms, node, tuple(blocks))

    def ended(self, at_ms: int, node: NodeId, how: str) -> None:
        """See `Observer`."""
        self._keep("ended", at_ms, node, how)

    def struck(self, at_ms: int, fault: Fault) -> None:
        """See `Observer`."""
        self._keep("struck", at_ms, fault)
