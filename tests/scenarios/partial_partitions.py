"""Partial partitions, measured: how soon one leader stands when nodes reach some of the others and not all.

Three shapes after Ng et al., *Omni-Paxos* (EuroSys 2023), for 3, 5 and 7 nodes, on whole links and on links that lose a
tenth of all messages, over many seeds of the virtual world. This module decides what a run is and what is measured;
`test_partial_partitions.py` demands, and `table.py` writes docs/partial-partitions.md.

A run: the cluster finds a leader and decides a few writes, on lossy links if its link conditions say so. Then links are
cut, all at one moment, and clients go on writing at every node that lives. After 8 s all is healed, and every node must
come to the same chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Literal

import msgspec

from blog.operations import Post
from simulator.cluster.base import EVENTS_KEPT
from simulator.cluster.interface import AnswerKind, Ticket
from simulator.faults.faults import Crash, CutLink, Fault, Heal, LinkConditions, MendLink, Restart
from simulator.faults.links import LinkRule
from simulator.node.node import Node
from simulator.settings import Settings
from simulator.worlds.virtual.cluster import VirtualCluster

Shape = Literal["quorum loss", "constrained election", "chained", "chained, two each way"]

STARS = ("quorum loss", "constrained election")
LOSS = 0.1
"""The share of messages that a lossy link loses, each way."""
SOON_MS = 10_000
"""Within this time a cluster whose links are whole, lossy or not, has a leader, decides writes and comes together."""
WATCHED_MS = 8_000
"""40 election timeouts on whole links: what is called stable has stood that long."""
WRITES_EVERY_MS = 400
TRIES = 10
"""On lossy links the leader may lose its office to the hub before anything is cut; then the start is made again."""


class Row(msgspec.Struct, frozen=True):
    """What is measured over many seeds: one line of the table."""

    shape: Shape
    nodes: int
    loss: float

    @property
    def leaderless(self) -> bool:
        """True where no node reaches a majority, so that none may lead: each of 7 in a row reaches 3 at most."""
        return self.shape == "chained" and self.nodes == 7


SHAPES: tuple[tuple[Shape, tuple[int, ...]], ...] = (
    ("quorum loss", (3, 5, 7)),
    ("constrained election", (3, 5, 7)),
    ("chained", (3, 5, 7)),
    ("chained, two each way", (7,)),
)
ROWS = tuple(Row(shape, nodes, loss) for shape, sizes in SHAPES for nodes in sizes for loss in (0.0, LOSS))


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run, from the cut on.

    `timeouts` is the time until anybody began or ceased to lead for the last time, in election timeouts of `timeout_ms`
    each: the longest that a node had learned when the links were cut (200 ms at least; lost heartbeats teach timeout).
    `changes` counts how often a node began to lead, 0 if the leader from before went on. `leader` leads at the end (0:
    nobody, or more than one). `answered` is the share of the writes that were carried out before the healing.
    `moments` say who did what, in ms from the cut; `problems` what must never be.
    """

    row: Row
    seed: int
    timeouts: float
    timeout_ms: int
    changes: int
    leader: int
    answered: float
    moments: tuple[tuple[int, str], ...]
    problems: tuple[str, ...]

    def text(self) -> str:
        """What to print when a demand fails: the code that shows the run again, and what happened."""
        return f"measure({self.row!r}, seed={self.seed}): {self}"


def measure(row: Row, seed: int) -> Measured:
    """Carry out one run. The hub of a star is another node from seed to seed, and so is the first leader."""
    settings = Settings(nodes=row.nodes, data="", seed=seed, difficulty=1)
    cluster = VirtualCluster(settings, keep_trace=False)
    if row.loss:
        cluster.apply(LinkConditions(LinkRule(drop=row.loss)))
    hub = 1 + seed % row.nodes
    _begin(cluster, row.shape, hub)
    timeout_ms = max(_learned_timeout_ms(cluster, node) for node in settings.node_ids)
    cut_ms = cluster.now_ms()
    for fault in _cut(cluster, row.shape, hub):
        cluster.apply(fault)
    tickets = _write_on(cluster)
    assert len(cluster.events(EVENTS_KEPT)) < EVENTS_KEPT, "the running log has lost its beginning"
    moments = tuple(
        (event.at_ms - cut_ms, f"{event.kind} {event.node}")
        for event in cluster.events(EVENTS_KEPT)
        if event.at_ms >= cut_ms and event.kind in {"leader", "step-down"}
    )
    leading = leaders(cluster)
    carried_out = sum(ticket.answer is not None and ticket.answer.kind is AnswerKind.OK for ticket in tickets)
    parted = _come_together(cluster)
    return Measured(
        row=row,
        seed=seed,
        timeouts=max((at for at, _ in moments), default=0) / timeout_ms,
        timeout_ms=timeout_ms,
        changes=sum(what.startswith("leader") for _, what in moments),
        leader=leading[0] if len(leading) == 1 else 0,
        answered=carried_out / len(tickets),
        moments=moments,
        problems=(*parted, *(f"{name}: {why}" for name, why in cluster.check().items() if why != "ok")),
    )


def leaders(cluster: VirtualCluster) -> list[int]:
    """The nodes that live and lead, each as far as it knows."""
    states = [cluster.status(node) for node in cluster.settings.node_ids]
    return [state.node for state in states if state.role == "leader" and state.life == "up"]


def links_left(shape: Shape, nodes: Sequence[int], hub: int) -> set[frozenset[int]]:
    """The pairs of nodes that still reach each other after the cut."""
    if shape in STARS:
        return {frozenset((hub, other)) for other in nodes if other != hub}
    left = {frozenset(pair) for pair in pairwise(nodes)}
    if shape == "chained, two each way":
        left |= {frozenset(pair) for pair in zip(nodes, nodes[2:], strict=False)}
    return left


def _begin(cluster: VirtualCluster, shape: Shape, hub: int) -> None:
    """A leader, which is not the hub of a star, and some writes; in a constrained election the hub missed them all."""
    nodes = cluster.settings.node_ids
    others = [node for node in nodes if node != hub]
    rim = others if shape in STARS else []

    def led_as_wanted() -> bool:
        leading = leaders(cluster)
        return len(leading) == 1 and (leading[0] != hub or not rim)

    for _ in range(TRIES):
        for other in rim:
            cluster.apply(CutLink(hub, other))
        assert cluster.wait(led_as_wanted, SOON_MS), "nobody leads"
        if shape != "constrained election":
            for other in rim:
                cluster.apply(MendLink(hub, other))
        _decide_some(cluster, others if shape == "constrained election" else nodes)
        if led_as_wanted():
            return
    raise AssertionError(f"the hub leads again and again: {leaders(cluster)}")


def _decide_some(cluster: VirtualCluster, nodes: Sequence[int]) -> None:
    tickets = [cluster.submit(node, _post(f"before {node}")) for node in nodes]

    def everywhere() -> bool:
        return all(ticket.done for ticket in tickets) and len({cluster.status(node).hash for node in nodes}) == 1

    assert cluster.wait(everywhere, SOON_MS), "the first writes were not decided"


def _cut(cluster: VirtualCluster, shape: Shape, hub: int) -> Iterator[Fault]:
    nodes = cluster.settings.node_ids
    (leader,) = leaders(cluster)
    if shape == "constrained election":
        yield Crash(leader)
    left = links_left(shape, nodes, hub)
    for one, other in combinations(nodes, 2):
        yield MendLink(one, other) if frozenset((one, other)) in left else CutLink(one, other)


def _write_on(cluster: VirtualCluster) -> list[Ticket]:
    """Every node that lives gets a write every 400 ms, each at a moment of its own; the last have 2 s for an answer."""
    living = [node for node in cluster.settings.node_ids if cluster.status(node).life == "up"]
    began = cluster.now_ms()
    tickets: list[Ticket] = []
    for turn in range((WATCHED_MS - 2_000) // WRITES_EVERY_MS):
        for place, node in enumerate(living):
            cluster.run(began + turn * WRITES_EVERY_MS + place * WRITES_EVERY_MS // len(living))
            tickets.append(cluster.submit(node, _post(f"turn {turn} of {node}")))
    cluster.run(began + WATCHED_MS)
    return tickets


def _come_together(cluster: VirtualCluster) -> list[str]:
    """Heal everything: all chains must soon be equal and not empty. What is wrong, if anything."""
    cluster.apply(Heal())
    nodes = cluster.settings.node_ids
    for node in nodes:
        if cluster.status(node).life == "down":
            cluster.apply(Restart(node))

    def together() -> bool:
        states = [cluster.status(node) for node in nodes]
        return len({state.hash for state in states}) == 1 and len(leaders(cluster)) == 1

    if cluster.wait(together, SOON_MS) and cluster.status(1).height:
        return []
    return [f"convergence: {SOON_MS} ms after the healing the heights are {[cluster.status(n).height for n in nodes]}"]


def _post(title: str) -> Post:
    return Post(username="ann", title=title, content="written in a partial partition")


def _learned_timeout_ms(cluster: VirtualCluster, node: int) -> int:
    inside = cluster.machines[node].node
    assert isinstance(inside, Node)
    return inside.replica.timeouts.election_ms()
