"""What a node needs of the world around it; a real process and the virtual world both provide it."""

from __future__ import annotations

from typing import Protocol

from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from simulator.node.client_api import NodeReport


class Host(Protocol):
    """The world as one node sees it. No method blocks."""

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """Hand `message` to the network for each of `to` (never the node itself). It may leave only at `push`."""
        ...

    def push(self) -> None:
        """Let all messages sent so far leave now: the node is about to wait for its disk, or its batch is over."""
        ...

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """Fire `timer` after a random delay between the bounds, in milliseconds; it replaces an earlier setting."""
        ...

    def report(self, report: NodeReport) -> None:
        """Report to clients, to the running log, or a status."""
        ...
