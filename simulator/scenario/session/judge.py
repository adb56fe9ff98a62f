"""The verdict of all checks on a cluster: the protocol's invariants, and whether its clients saw one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster


def judge(cluster: Cluster) -> dict[str, str]:
    """Each check by name: "ok", or the sentence that says what was violated."""
    return dict(cluster.check())
