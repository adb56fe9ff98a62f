"""Draws permanent faults: the state in which a cluster must go on for good.

A minority stays down or cut off; links are gone, both ways or one way, so that some nodes reach others through third
ones only (Ng et al., *Omni-Paxos*, EuroSys 2023); every link is slow or lossy. Some node reaches a majority in each
case, so liveness is demanded in each (`liveness`).
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise, permutations
from random import Random

from paxos.ballot import NodeId
from simulator.faults.faults import Crash, CutLink, Fault, LinkConditions, Partition
from simulator.faults.links import LinkRule, Links

LOSSES = (0.05, 0.1, 0.2)


def draw_permanent(nodes: int, dice: Random) -> tuple[Fault, ...]:
    """Draw permanent faults; none in a cluster of one."""
    minority = (nodes - 1) // 2
    if not minority:
        return ()
    row = dice.sample(range(1, nodes + 1), nodes)
    fate = dice.random()
    if fate < 0.2:
        return tuple(Crash(node) for node in sorted(row[: dice.randint(1, minority)]))
    if fate < 0.35:
        cut = dice.randint(1, minority)
        return (Partition((tuple(sorted(row[:cut])), tuple(sorted(row[cut:])))),)
    if fate < 0.55:
        return _gone_links(row, dice)
    if fate < 0.75:
        return _one_way_cuts(row, dice)
    if fate < 0.9:
        delay = dice.choice((20, 80, 250, 250, 1_000, 3_000))
        return (LinkConditions(LinkRule(delay_ms=delay, jitter_ms=dice.choice((0, 0, delay // 4)))),)
    return (LinkConditions(LinkRule(drop=dice.choice(LOSSES), jitter_ms=dice.choice((0, 5, 20)))),)


def _gone_links(row: list[int], dice: Random) -> tuple[Fault, ...]:
    """Links that are gone: the first node of `row` keeps a majority or all, other links stay by chance."""
    nodes, centre = len(row), row[0]
    reached = dice.choice((nodes - 1, nodes - 1, nodes // 2))
    kept = dice.choice((0.0, 0.0, 0.3, 0.6))
    gone = [(centre, other) for other in row[1 + reached :]]
    gone += [(a, b) for place, a in enumerate(row[1:], 1) for b in row[place + 1 :] if dice.random() >= kept]
    return tuple(CutLink(min(link), max(link)) for link in sorted(gone))


def _one_way_cuts(row: list[int], dice: Random) -> tuple[Fault, ...]:
    """Links that are cut one way. The first node of `row` keeps a majority both ways, the last a way to it and back.

    The two ways lead through different nodes, as many as the dice say. All other links are cut by chance.
    """
    centre, last = row[0], row[-1]
    whole = set(permutations((centre, *row[1 : len(row) // 2 + 1]), 2))
    for begin, end in ((last, centre), (centre, last)):
        whole.update(pairwise((begin, *dice.sample(row[1:-1], dice.randint(0, len(row) - 2)), end)))
    chance = dice.choice((0.3, 0.55, 0.85, 1.0))
    cut = [link for link in permutations(sorted(row), 2) if link not in whole and dice.random() < chance]
    return tuple(CutLink(*link, one_way=True) for link in cut)


def reached(links: Links, up: Collection[NodeId]) -> tuple[NodeId, ...]:
    """The nodes that are up and have a way to a node that reaches a majority itself, and a way back, through any nodes.

    A majority is reached by links that are whole both ways. Any two majorities meet, so nodes that reach one have ways
    to each other. Ascending; none when no node reaches a majority.
    """
    heard_by = {node: {other for other in up if other == node or not links.is_cut((node, other))} for node in up}
    hears = {node: {other for other in up if node in heard_by[other]} for node in up}
    hubs = [node for node in up if len(heard_by[node] & hears[node]) > len(links.nodes) // 2]
    return tuple(sorted(_spread(heard_by, hubs) & _spread(hears, hubs)))


def _spread(near: dict[NodeId, set[NodeId]], begin: Collection[NodeId]) -> set[NodeId]:
    """All nodes that can be reached from those of `begin`, these included."""
    found = set(begin)
    while (more := found.union(*(near[node] for node in found))) != found:
        found = more
    return found
