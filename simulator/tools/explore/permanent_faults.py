"""Draws permanent faults: the state in which a cluster must go on for good.

A minority stays down or cut off; links are gone, so that some nodes reach others through third ones only (Ng et al.,
*Omni-Paxos*, EuroSys 2023); every link is slow or lossy. Some node reaches a majority in each case, so liveness is
demanded in each (`liveness`).
"""

from __future__ import annotations

from collections.abc import Collection
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
    if fate < 0.4:
        cut = dice.randint(1, minority)
        return (Partition((tuple(sorted(row[:cut])), tuple(sorted(row[cut:])))),)
    if fate < 0.75:
        return _gone_links(row, dice)
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


def reached(links: Links, up: Collection[NodeId]) -> tuple[NodeId, ...]:
    """The nodes that are up and linked, perhaps through others, to a node that reaches a majority itself.

    Links count when they are whole both ways. Ascending; none when no node reaches a majority.
    """
    near = {
        node: {
            other for other in up if node == other or not (links.is_cut((node, other)) or links.is_cut((other, node)))
        }
        for node in up
    }
    found = {node for node in up if len(near[node]) > len(links.nodes) // 2}
    while True:
        more = found.union(*(near[node] for node in found))
        if more == found:
            return tuple(sorted(found))
        found = more
