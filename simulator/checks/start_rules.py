"""The rule of starts: a node whose files nobody harmed comes back.

It is judged where disks are simulated. On a real machine a person may edit a file, or a disk may fail, and no record
tells of it.
"""

from __future__ import annotations

from paxos.ballot import NodeId
from simulator.checks.oracle import Oracle
from simulator.faults.disk_damage import REFUSALS
from simulator.faults.faults import DAMAGES, DiskFault
from simulator.node.client_api import NodeFailed
from simulator.trace.events import NodeReported


class StartRules:
    """Follows the faults of disks and files, and judges nodes that end before they have recovered."""

    def __init__(self, oracle: Oracle, *, simulated: bool) -> None:
        self._oracle = oracle
        self._simulated = simulated
        self._up: set[NodeId] = set()

    def injected(self, fault: DiskFault) -> None:
        """A disk or a file of a node was harmed, or its disk works again."""
        node = self._oracle.nodes[fault.node]
        if fault.kind in DAMAGES and fault.kind != "tear":
            node.damaged = True
        elif fault.kind == "ok":
            node.refuses = False
        elif fault.kind in REFUSALS or fault.kind == "failing-sync":
            node.refuses = True

    def recovered(self, node: NodeId) -> None:
        """An incarnation has read its files."""
        self._up.add(node)

    def is_up(self, node: NodeId) -> bool:
        """True when an incarnation has read its files, and has not ended."""
        return node in self._up

    def ended(self, node: NodeId) -> None:
        """An incarnation ended."""
        self._up.discard(node)

    def failed(self, event: NodeReported, report: NodeFailed) -> None:
        """A node reported why it stops."""
        node = self._oracle.nodes[event.node]
        if self._simulated and event.node not in self._up and not (node.damaged or node.refuses):
            why = f"node {event.node} refuses to start, and nobody harmed its disk or its files: {report.text}"
            self._oracle.violated("true-word", why.rstrip("."), event.at_ms, event.node, step="restart", rule="16")
