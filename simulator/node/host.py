"""What a node needs of the world around it: the narrow face that a real process and the virtual world both offer."""

from __future__ import annotations

from typing import Protocol

from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from simulator.node.client_api import NodeReport


class Host(Protocol):
    """The world as one node sees it. Nothing here blocks."""

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """Hand `message` to the network for each of `to` (never the node itself). It may leave only at `push`."""
        ...

    def push(self) -> None:
        """Let everything handed over so far leave now: the node is about to wait for its disk, or is done."""
        ...

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """Wake the node for `timer` after a delay drawn evenly from the bounds; replaces an earlier setting."""
        ...

    def report(self, report: NodeReport) -> None:
        """Tell clients and onlookers."""
        ...
