"""What a world drives: a node, seen from its driver loop. `Host` is the opposite direction."""

from __future__ import annotations

from typing import Protocol

from paxos.effects import Timer
from paxos.messages import AnyMessage
from simulator.node.client_api import ClientCall
from simulator.node.status import NodeStatus


class Drivable(Protocol):
    """`simulator.node.node.Node`, or a smaller node in a test or a measurement.

    A world calls `start` once and `flush` at the end of each batch of events. `now_ms` is the node's own clock.
    """

    def start(self, now_ms: int) -> None:
        """Recover from the files and set the first timers."""

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """Handle a message of a peer."""

    def call(self, call: ClientCall, now_ms: int) -> None:
        """Handle a client's call."""

    def wake(self, timer: Timer, now_ms: int) -> None:
        """Handle a timer that fired."""

    def flush(self, now_ms: int) -> None:
        """End a batch: make its records durable, then send what depends on them."""

    def status(self, *, detail: bool = False) -> NodeStatus:
        """The status of this moment; `detail` adds the newest part of the log."""
