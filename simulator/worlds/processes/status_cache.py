"""What the supervisor knows of each node: its newest status, whether it is up, and why it stopped."""

from __future__ import annotations

import msgspec

from simulator.node.status import Life, NodeStatus, after_death
from simulator.settings import Settings


class StatusCache:
    """The newest `NodeStatus` of every node, as the nodes reported it. Not safe for threads.

    `stale` holds the nodes that have answered a client since their last report: the cached status may be older than
    the answer.
    """

    def __init__(self, settings: Settings) -> None:
        self.stale: set[int] = set()
        self._statuses = {node: NodeStatus(node=node) for node in settings.node_ids}
        self._life: dict[int, Life] = dict.fromkeys(settings.node_ids, "down")
        self._errors = dict.fromkeys(settings.node_ids, "")

    def reported(self, node: int, status: NodeStatus) -> None:
        """`node` reported its status."""
        self._statuses[node] = status
        self.stale.discard(node)

    def answered(self, node: int) -> None:
        """`node` answered a write."""
        self.stale.add(node)

    def changed(self, node: int, life: Life) -> None:
        """`node` came up, went down, was paused or resumed."""
        if life == "up" and self._life[node] == "down":
            self._errors[node] = ""
            self._statuses[node] = after_death(self._statuses[node])  # Until the new incarnation reports.
            self.stale.add(node)
        self._life[node] = life
        if life == "down":
            self.stale.discard(node)

    def failed(self, node: int, why: str) -> None:
        """`node` stops itself and has reported why."""
        self._errors[node] = why

    def has_failed(self, node: int) -> bool:
        """True when this incarnation of `node` has reported why it stops."""
        return bool(self._errors[node])

    def life(self, node: int) -> Life:
        """Up, paused or down."""
        return self._life[node]

    def of(self, node: int) -> NodeStatus:
        """The newest status, as `Cluster.status` defines it."""
        status, life, error = self._statuses[node], self._life[node], self._errors[node]
        if life == "down":
            return msgspec.structs.replace(after_death(status), life=life, error=error)
        if status.life == life and status.error == error:
            return status
        return msgspec.structs.replace(status, life=life, error=error or status.error)
