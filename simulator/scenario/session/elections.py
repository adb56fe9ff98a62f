"""Counts elections over a whole session, across restarts of nodes, whose own counters begin again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster


class Elections:
    """An election is one that was won."""

    def __init__(self) -> None:
        self._before: dict[int, int] = {}
        self._seen: dict[int, int] = {}

    def look(self, cluster: Cluster) -> int:
        """Read the nodes' counters, and return the number of elections so far."""
        for node in cluster.settings.node_ids:
            count = cluster.status(node).leaderships
            seen = self._seen.get(node, 0)
            if count < seen:
                self._before[node] = self._before.get(node, 0) + seen
            self._seen[node] = count
        return sum(self._before.values()) + sum(self._seen.values())
