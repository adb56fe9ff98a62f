"""Decides when a node process sends its status unasked, so that the supervisor need not poll it."""

from __future__ import annotations

from simulator.node.drivable import Drivable
from simulator.node.status import NodeStatus

LOOK_EVERY_MS = 100
"""The shortest time between two looks at a node that changes."""
COUNTERS_EVERY_MS = 1_000
"""The shortest time between two reports when only the counters changed."""


class StatusReporter:
    """`due_ms` is when to call `look` next; None: nothing has changed since the last look."""

    def __init__(self, node: Drivable) -> None:
        self.due_ms: int | None = 0
        self._node = node
        self._looked_ms = -COUNTERS_EVERY_MS
        self._reported_ms = 0
        self._summary: object = None

    def changed(self) -> None:
        """Look again as soon as the last look is old enough."""
        if self.due_ms is None:
            self.due_ms = self._looked_ms + LOOK_EVERY_MS

    def look(self, now_ms: int) -> NodeStatus | None:
        """The node's status if it is worth a report."""
        self._looked_ms = now_ms
        self.due_ms = None
        status = self._node.status()
        summary = _summary(status)
        if summary == self._summary and now_ms - self._reported_ms < COUNTERS_EVERY_MS:
            return None
        self._summary = summary
        self._reported_ms = now_ms
        return status


def _summary(status: NodeStatus) -> object:
    """Everything that a person would call a change; counters change all the time."""
    return (
        status.role,
        status.ballot,
        status.promised,
        status.leader,
        status.accepted,
        status.decided,
        status.applied,
        status.hash,
        status.queue,
        status.pending,
        status.in_flight,
        status.heard,
        status.error,
        status.memory,
    )
