"""What is demanded after the healing, and who is named when it fails."""

from __future__ import annotations

from blog.operations import Post
from simulator.cluster.interface import Ticket
from simulator.faults.faults import Crash, DiskFault, Restart
from simulator.settings import Settings
from simulator.tools.explore.liveness import LivenessCheck
from simulator.worlds.virtual.cluster import VirtualCluster


def running(nodes: int = 3) -> VirtualCluster:
    """A cluster that has elected its leader and decided a write."""
    cluster = VirtualCluster(Settings(nodes=nodes, data="", difficulty=0))
    ticket = cluster.submit(1, Post(username="ann", title="first", content="x"))
    assert cluster.wait(lambda: ticket.done, 5_000)
    cluster.run(cluster.now_ms() + 500)
    return cluster


def why_of(cluster: VirtualCluster, invariant: str) -> str:
    """The sentence of one violation."""
    return cluster.checker.violations[invariant].why


def test_a_cluster_in_which_nobody_can_be_served_says_who_is_down_and_why() -> None:
    """One node stops at its start because its disk fails, one was killed: the third has no majority."""
    cluster = running()
    for fault in (Crash(1), Crash(2), DiskFault(1, "failing-sync"), Restart(1)):
        cluster.apply(fault)

    LivenessCheck(cluster, 1_000, steady=True).demand()

    assert cluster.checker.violations["progress"].nodes == (1, 2)
    assert why_of(cluster, "progress").startswith(
        "nobody can be served: node 1 is down (node 1 stopped: its disk failed"
    )
    assert why_of(cluster, "progress").endswith(", node 2 is down")


def test_a_request_from_before_the_healing_needs_an_answer_or_a_reason() -> None:
    """It is named by its number, its time and its node. Here it never reached its node."""
    cluster = running()
    lost = Ticket(number=9, node=2, request=Post(username="a", title="b", content="c"), client="c", seq=9, asked_ms=700)

    LivenessCheck(cluster, 2_000, steady=False, waiting=[lost]).demand()

    assert why_of(cluster, "progress") == (
        "request 9, asked at 0.7 s, has no answer and no reason from node 2 2 s after the healing"
    )


def test_requests_of_nodes_without_a_majority_end_with_a_reason() -> None:
    """Node 3 alone: its clients get "no majority" by themselves."""
    cluster = running()
    for fault in (Crash(1), Crash(2)):
        cluster.apply(fault)
    ticket = cluster.submit(3, Post(username="ann", title="second", content="x"))
    cluster.run(cluster.now_ms() + 100)
    for node in (1, 2):
        cluster.apply(Restart(node))

    liveness = LivenessCheck(cluster, 5_000, steady=True, waiting=[ticket])
    liveness.demand()

    assert ticket.done
    assert not cluster.checker.violations
