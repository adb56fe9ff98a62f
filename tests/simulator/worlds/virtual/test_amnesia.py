"""Nodes that lose their memory, under partitions chosen for harm: safe, and available as promised (rule 17)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from blog.operations import Post
from simulator.cluster.interface import AnswerKind, Query
from simulator.faults.faults import ALL_FILES, Crash, DiskFault, DiskFaultKind, Heal, Partition, Restart
from simulator.node.storage.journal import JOURNAL
from simulator.settings import Settings
from simulator.views.nodes import status_view
from simulator.worlds.virtual.cluster import VirtualCluster

HARMS: list[tuple[DiskFaultKind, str]] = [
    ("wipe", ALL_FILES),
    ("wipe", JOURNAL),
    ("rollback", ALL_FILES),
    ("rollback", JOURNAL),
]


@pytest.fixture
def cluster() -> Iterator[VirtualCluster]:
    """Five nodes that have decided a few posts."""
    made = VirtualCluster(Settings(nodes=5, data="", seed=7, difficulty=0))
    for node in made.settings.node_ids:
        assert post(made, node)
    yield made
    assert {name: why for name, why in made.check().items() if why != "ok"} == {}
    made.close()


def post(cluster: VirtualCluster, node: int, within_ms: int = 5_000) -> bool:
    """Whether a post is answered in time."""
    ticket = cluster.submit(node, Post("ann", f"t{cluster.now_ms()}", "x"))
    cluster.wait(lambda: ticket.done, within_ms)
    return ticket.answer is not None and ticket.answer.kind is AnswerKind.OK


def forget(cluster: VirtualCluster, harm: tuple[DiskFaultKind, str], *nodes: int) -> None:
    """Their files go back in time, or are gone, while they are down."""
    for node in nodes:
        cluster.apply(Crash(node))
    for node in nodes:
        cluster.apply(DiskFault(node, *harm))


def amnesia(cluster: VirtualCluster, node: int) -> str:
    """Why the node does not vote."""
    made = cluster.machines[node].node
    assert made is not None
    return str(made.replica.status().amnesia)  # type: ignore[attr-defined]


@pytest.mark.parametrize("harm", HARMS)
def test_a_majority_that_needs_the_forgetful_node_answers_nothing(
    cluster: VirtualCluster, harm: tuple[DiskFaultKind, str]
) -> None:
    """Nodes 1 to 3 decide alone, node 3 forgets, and only 3 to 5 are connected: together they know nothing of it."""
    cluster.apply(Partition(((1, 2, 3), (4, 5))))
    assert post(cluster, 1)
    forget(cluster, harm, 3)
    cluster.apply(Heal())
    cluster.apply(Partition(((1, 2), (3, 4, 5))))
    cluster.apply(Restart(3))

    assert not post(cluster, 4)
    assert amnesia(cluster, 3)

    cluster.apply(Heal())
    assert post(cluster, 4)
    assert cluster.wait(lambda: not amnesia(cluster, 3), 3_000)


@pytest.mark.parametrize("harm", HARMS)
def test_two_of_five_may_forget_at_once(cluster: VirtualCluster, harm: tuple[DiskFaultKind, str]) -> None:
    """The three others go on, and the two vote again: afterwards two others may be down."""
    forget(cluster, harm, 2, 4)
    assert post(cluster, 1)
    cluster.apply(Restart(2))
    cluster.apply(Restart(4))

    assert post(cluster, 4)
    assert cluster.wait(lambda: not (amnesia(cluster, 2) or amnesia(cluster, 4)), 3_000)
    cluster.apply(Crash(1))
    cluster.apply(Crash(3))
    assert post(cluster, 5)


@pytest.mark.parametrize("harm", HARMS)
def test_with_three_of_five_nobody_votes_and_all_show_what_they_have(
    cluster: VirtualCluster, harm: tuple[DiskFaultKind, str]
) -> None:
    """No write is answered, rather than a wrong one; a restart changes nothing; a local read is answered."""
    forget(cluster, harm, 2, 3, 4)
    for node in (2, 3, 4):
        cluster.apply(Restart(node))

    assert not post(cluster, 1)
    cluster.apply(Crash(3))
    cluster.apply(Restart(3))
    assert not post(cluster, 3)
    assert all(amnesia(cluster, node) for node in (2, 3, 4))


def test_a_node_that_is_restarted_with_all_others_votes_at_once(cluster: VirtualCluster) -> None:
    """All five are killed and started: nobody has lost anything, and nobody waits for anybody."""
    for node in cluster.settings.node_ids:
        cluster.apply(Crash(node))
    for node in (1, 2, 3):
        cluster.apply(Restart(node))

    assert post(cluster, 1)
    assert not any(amnesia(cluster, node) for node in (1, 2, 3))


def test_the_folder_of_another_node_is_named_and_left_alone(cluster: VirtualCluster) -> None:
    """Two folders are swapped: both nodes say so and stay down, and the three others go on."""
    for node in (2, 3):
        cluster.apply(Crash(node))
    two, three = cluster.machines[2].disk, cluster.machines[3].disk
    two.files, three.files = three.files, two.files
    for node in (2, 3):  # The checker knows of harm that is injected; this was done by hand.
        cluster.checker.oracle.nodes[node].damaged = True
    for node in (2, 3):
        cluster.apply(Restart(node))

    assert post(cluster, 1)
    assert "this is a file of node 3, and this is node 2" in cluster.status(2).error
    assert "this is a file of node 2, and this is node 3" in cluster.status(3).error


def test_clients_are_told_that_too_few_may_vote() -> None:
    """With three of five without memory nothing is answered, and the time-out says what an operator does."""
    cluster = VirtualCluster(Settings(nodes=5, data="", seed=7, difficulty=0))
    assert post(cluster, 1)
    forget(cluster, ("wipe", ALL_FILES), 2, 3, 5)
    for node in (2, 3, 5):
        cluster.apply(Restart(node))

    write = cluster.submit(1, Post("ann", "late", "x"))
    read = cluster.read(4, Query(kind="all", linearizable=True))

    assert cluster.wait(lambda: write.done and read.done, 20_000)
    for ticket in (write, read):
        assert ticket.answer is not None
        assert ticket.answer.kind is AnswerKind.NO_MAJORITY
        assert "nodes 2, 3 and 5 have lost promises or votes and do not vote" in ticket.answer.text
        assert "paxsim recover DIR" in ticket.answer.text
    assert any("paxsim recover DIR" in event.text for event in cluster.events(1_000))
    shown = status_view([cluster.status(node) for node in cluster.settings.node_ids])
    assert any("paxsim recover DIR" in part.text for note in shown.notes for part in note)
