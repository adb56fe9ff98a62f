"""The newest messages between virtual nodes, for the running log."""

from __future__ import annotations

from typing import NamedTuple

from paxos.ballot import NodeId
from paxos.messages import AnyMessage
from simulator.cluster.events import ClusterEvent, Fate
from simulator.cluster.message_text import ROUTINE, sent_line
from simulator.cluster.newest import Newest

KEPT = 4_000


class Logged(NamedTuple):
    """A message as it was sent."""

    at_ms: int
    source: NodeId
    to: tuple[NodeId, ...]
    message: AnyMessage
    fates: tuple[Fate, ...]


class MessageLog:
    """Keeps messages as they are; they are formatted on request. Routine messages are skipped: they would fill it."""

    def __init__(self) -> None:
        self.kept: Newest[Logged] = Newest(KEPT)

    def add(self, logged: Logged) -> None:
        """Keep a message."""
        if not isinstance(logged.message, ROUTINE):
            self.kept.append(logged)


def lines_of(kept: list[Logged]) -> list[ClusterEvent]:
    """These messages as lines of the running log."""
    return [sent_line(*logged) for logged in kept]
