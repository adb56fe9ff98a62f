"""The rule of starts: a node that nobody harmed comes back, and one that does not is named with its reason."""

from __future__ import annotations

import pytest

from simulator.faults.faults import DiskFault, DiskFaultKind
from simulator.node.client_api import NodeFailed
from simulator.trace.events import NodeReported, fault_injected
from tests.simulator.checks.scene import Scene

WHY = "node 2 stopped: blockchain.txt, line 3: its hash does not hold."


def refuses(scene: Scene) -> None:
    """Node 2 ends, and refuses to start again."""
    scene.crashes(2)
    scene.checker.observe(NodeReported(at_ms=50, node=2, report=NodeFailed(WHY)))


def test_a_node_that_refuses_to_start_is_named_with_its_reason() -> None:
    """At once, and not when somebody misses it."""
    scene = Scene(simulated=True)

    refuses(scene)

    blame = scene.broken["true-word"]
    assert blame == f"node 2 refuses to start, and nobody harmed its disk or its files: {WHY[:-1]}"


@pytest.mark.parametrize("kind", ["corrupt", "wipe", "full", "readonly", "failing-sync"])
def test_harm_is_an_excuse(kind: DiskFaultKind) -> None:
    """Rules 16 and 18 demand that such a node stops."""
    scene = Scene(simulated=True)
    scene.checker.observe(fault_injected(9, DiskFault(2, kind, "blockchain.txt")))

    refuses(scene)

    assert scene.broken == {}


def test_harm_to_another_node_or_a_disk_that_works_again_is_none() -> None:
    """The excuse ends with its cause."""
    scene = Scene(simulated=True)
    for fault in (DiskFault(3, "corrupt", "paxos.txt"), DiskFault(2, "full"), DiskFault(2, "ok")):
        scene.checker.observe(fault_injected(9, fault))

    refuses(scene)

    assert "true-word" in scene.broken


def test_a_running_node_may_stop_and_a_real_machine_has_other_reasons() -> None:
    """A node stops when a peer breaks the protocol. On a real machine somebody may have edited a file."""
    scene = Scene(simulated=True)
    scene.checker.observe(NodeReported(at_ms=50, node=2, report=NodeFailed(WHY)))
    real = Scene()
    refuses(real)

    assert scene.broken == real.broken == {}
