"""The newest messages between virtual nodes, for the running log."""

from __future__ import annotations

from collections import deque
from itertools import islice

from paxos.ballot import NodeId
from paxos.messages import AnyMessage
from simulator.cluster.events import ClusterEvent
from simulator.cluster.message_text import ROUTINE, sent_line

KEPT = 400


class MessageLog:
    """Keeps messages as they are and formats them on request. Routine messages are skipped: they would fill it."""

    def __init__(self) -> None:
        self._kept: deque[tuple[int, NodeId, tuple[NodeId, ...], AnyMessage]] = deque(maxlen=KEPT)

    def add(self, at_ms: int, source: NodeId, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """Keep a message that `source` sent to each of `to`."""
        if not isinstance(message, ROUTINE):
            self._kept.append((at_ms, source, to, message))

    def newest(self, last: int) -> list[ClusterEvent]:
        """The newest `last` messages as lines of the running log, oldest first."""
        return [sent_line(*sent) for sent in islice(self._kept, max(0, len(self._kept) - last), None)]
