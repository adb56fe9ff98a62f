"""Five real processes that run the protocol: what a person would try on the first evening."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.faults.faults import Crash, LinkConditions, Restart
from simulator.faults.links import LinkRule
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.node_main import build_node
from tests.simulator.worlds.processes.conftest import Start

LONG_MS = 60_000
ALL = (1, 2, 3, 4, 5)


def five(start: Start) -> ProcessCluster:
    """A cluster of five, of which one leads."""
    cluster = start(build_node, nodes=5)
    assert cluster.wait(lambda: leader(cluster) > 0, LONG_MS)
    return cluster


def leader(cluster: ProcessCluster) -> int:
    """The node that leads, as most nodes see it; 0 when they do not agree."""
    leaders = [node for node in ALL if (state := cluster.status(node)).life == "up" and state.role == "leader"]
    heard = [cluster.status(node).leader for node in ALL if cluster.status(node).life == "up"]
    return leaders[0] if len(leaders) == 1 and heard.count(leaders[0]) >= cluster.settings.majority else 0


def ended(cluster: ProcessCluster, ticket: Ticket) -> AnswerKind:
    """How a request ends."""
    assert cluster.wait(lambda: ticket.done, LONG_MS)
    assert ticket.answer is not None
    return ticket.answer.kind


def write(cluster: ProcessCluster, node: int, title: str) -> AnswerKind:
    """A post that is waited for."""
    return ended(cluster, cluster.submit(node, Post("alice", title, "text")))


def converged(cluster: ProcessCluster) -> bool:
    """All five are up and hold the same chain."""
    states = [cluster.status(node) for node in ALL]
    return all(state.life == "up" for state in states) and len({state.hash for state in states}) == 1


def chains(cluster: ProcessCluster) -> set[bytes]:
    """The different chain files there are."""
    return {(Path(cluster.settings.data) / f"node-{node}" / "blockchain.txt").read_bytes() for node in ALL}


def test_a_killed_leader_is_replaced_and_comes_back(start: Start) -> None:
    """A kill -9 from another shell: the others choose a new leader and go on, and the old one catches up."""
    cluster = five(start)
    write(cluster, 1, "before")
    old = leader(cluster)
    pid = cluster.pid(old)
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    other = next(node for node in ALL if node != old)
    assert write(cluster, other, "after") is AnswerKind.OK
    cluster.apply(Restart(old))

    assert cluster.wait(lambda: converged(cluster), LONG_MS)
    assert len(chains(cluster)) == 1


@pytest.mark.slow
def test_three_seconds_on_every_link_are_outlasted(start: Start) -> None:
    """No setting is changed, and a write at a node that does not lead succeeds all the same."""
    cluster = five(start)
    cluster.apply(LinkConditions(rule=LinkRule(delay_ms=3_000)))
    node = next(node for node in ALL if node != leader(cluster))

    assert write(cluster, node, "slow") is AnswerKind.OK


def test_everything_survives_the_end_of_all_processes(start: Start) -> None:
    """All five killed at once, then a lab started again on the same files: the same blog, and it goes on."""
    cluster = five(start)
    for number in range(5):
        write(cluster, 1 + number, f"title {number}")
    for node in ALL:
        cluster.apply(Crash(node))
    cluster.close()

    again = start(build_node, nodes=5)

    assert write(again, 3, "title 3") is AnswerKind.REFUSED
    view = again.read(2, Query(kind="all", linearizable=True))
    assert ended(again, view) is AnswerKind.OK
    assert view.answer is not None
    assert view.answer.result == [[f"title {number}", "alice"] for number in range(5)]
