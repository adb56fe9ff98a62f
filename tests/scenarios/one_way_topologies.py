"""Random topologies whose links are cut one way, and whether everybody who has a way to the leader and back is served.

A run: the leader is elected on whole links and a write is decided. Then all cuts are made at one moment, and the leader
keeps a majority that it reaches both ways. Every node with a way there and a way back, through any peers, then gets a
write and after it a linearizable read, which must show the write.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from random import Random

import msgspec

from blog.operations import Post
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.faults.faults import CutLink
from simulator.faults.links import Link
from simulator.settings import Settings
from simulator.worlds.virtual.cluster import VirtualCluster

SETTLE_MS = 2_000
"""From the cut until clients ask: ten election timeouts."""
ANSWER_MS = 1_000
"""Within so many milliseconds each request is answered: five election timeouts."""
SOON_MS = 10_000
CHANCES = (0.55, 0.55, 0.7, 0.85)
"""The chances, one a topology, with which a link is cut one way."""


class Topology(msgspec.Struct, frozen=True):
    """Cut links between nodes 1 to `nodes`, the `leader`, and the nodes with a way to it and back."""

    nodes: int
    leader: int
    cut: tuple[Link, ...]
    served: tuple[int, ...]


def draw(seed: int, nodes: int, leader: int) -> Topology:
    """A topology in which some node is served that lacks a link to the leader or from it."""
    dice = Random(f"one-way {nodes} {seed}")
    everybody = range(1, nodes + 1)
    while True:
        kept = set(dice.sample([node for node in everybody if node != leader], nodes // 2))
        chance = dice.choice(CHANCES)
        cut = {
            (a, b)
            for a, b in permutations(everybody, 2)
            if not ((a == leader and b in kept) or (b == leader and a in kept)) and dice.random() < chance
        }
        there = _reaching(leader, nodes, cut)
        back = _reaching(leader, nodes, {(b, a) for a, b in cut})
        served = sorted((there & back) - {leader})
        if any((node, leader) in cut or (leader, node) in cut for node in served):
            return Topology(nodes, leader, tuple(sorted(cut)), tuple(served))


def _reaching(goal: int, nodes: int, cut: set[Link]) -> set[int]:
    found, todo = {goal}, [goal]
    while todo:
        to = todo.pop()
        for node in range(1, nodes + 1):
            if node not in found and (node, to) not in cut:
                found.add(node)
                todo.append(node)
    return found


def run(seed: int, nodes: int) -> list[str]:
    """Carry out one run. What is wrong, after the topology; nothing if all were served and all invariants hold."""
    cluster = VirtualCluster(Settings(nodes=nodes, data="", seed=seed, difficulty=1), keep_trace=False)
    topology = draw(seed, nodes, find_leader(cluster))
    for link in topology.cut:
        cluster.apply(CutLink(*link, one_way=True))
    cluster.run(cluster.now_ms() + SETTLE_MS)
    writes = {node: cluster.submit(node, post(f"of {node}")) for node in topology.served}
    wrong = list(_unanswered(cluster, writes, "write"))
    reads = {node: cluster.read(node, Query(kind="all", linearizable=True)) for node in topology.served}
    wrong += _unanswered(cluster, reads, "linearizable read")
    for node, ticket in reads.items():
        if ticket.answer is not None and f"of {node}" not in repr(ticket.answer.result):
            wrong.append(f"node {node} does not see its own write")
    if cluster.status(topology.leader).role != "leader":
        wrong.append("the leader was unseated")
    wrong += [f"{name}: {why}" for name, why in cluster.check().items() if why != "ok"]
    cluster.close()
    return [repr(topology), *wrong] if wrong else []


def _unanswered(cluster: VirtualCluster, tickets: dict[int, Ticket], what: str) -> Iterator[str]:
    cluster.wait(lambda: all(ticket.done for ticket in tickets.values()), ANSWER_MS)
    for node, ticket in tickets.items():
        if ticket.answer is None or ticket.answer.kind is not AnswerKind.OK:
            yield f"a {what} at node {node}: {ticket.answer}"


def find_leader(cluster: VirtualCluster) -> int:
    """Wait until everybody follows one leader and has applied one write. Returns the leader."""
    nodes = cluster.settings.node_ids
    ticket = cluster.submit(1, post("before"))

    def ready() -> bool:
        states = [cluster.status(node) for node in nodes]
        leaders = {state.leader for state in states}
        return ticket.done and len({state.hash for state in states}) == 1 and len(leaders) == 1 and 0 not in leaders

    assert cluster.wait(ready, SOON_MS)
    return cluster.status(1).leader


def post(title: str) -> Post:
    """The write of this title."""
    return Post(username="ann", title=title, content="written on links that are cut one way")
