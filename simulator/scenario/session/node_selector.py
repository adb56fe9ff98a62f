"""Resolves node words at this moment: who leads, who is down, which side of a partition has the majority."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING

from simulator.errors import InputError
from simulator.faults.links import Link, Links
from simulator.scenario.language.commands import LinkWord, NodesWord, NodeWord
from simulator.settings import MAX_NODES

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

GROUP_WORDS = {"all", "crashed", "rest"}


def current_leader(cluster: Cluster) -> int | None:
    """The node that is up and leads at the highest ballot; None when no one leads."""
    states = (cluster.status(node) for node in cluster.settings.node_ids)
    leaders = [state for state in states if state.life == "up" and state.role == "leader"]
    return max(leaders, key=lambda state: state.ballot).node if leaders else None


def nodes_up(cluster: Cluster) -> tuple[int, ...]:
    """Nodes that are up (neither down nor paused)."""
    return tuple(node for node in cluster.settings.node_ids if cluster.status(node).life == "up")


def sides(links: Links) -> list[tuple[int, ...]]:
    """The nodes grouped by who can reach whom, directly or through others; each side ascending, the largest first."""
    left = list(links.nodes)
    found: list[tuple[int, ...]] = []
    while left:
        side = [left.pop(0)]
        for node in side:  # The list grows during the loop: whoever is reached reaches further nodes.
            near = [other for other in left if not links.is_cut((node, other)) and not links.is_cut((other, node))]
            side.extend(near)
            left = [other for other in left if other not in near]
        found.append(tuple(sorted(side)))
    return sorted(found, key=lambda side: (-len(side), side))


def majority_side(cluster: Cluster) -> tuple[int, ...]:
    """The side with a majority of all nodes; empty when no side has one."""
    largest = sides(cluster.links)[0]
    return largest if len(largest) >= cluster.settings.majority else ()


class NodeSelector:
    """Resolves the node words of one line. It remembers the nodes named: `random` and `rest` avoid them."""

    def __init__(self, cluster: Cluster, dice: Random) -> None:
        self._cluster = cluster
        self._dice = dice
        self._named: list[int] = []

    def one(self, word: NodeWord) -> int:
        """The node of `word` now.

        Raises:
            InputError: there is none now.
        """
        node = self._find(word)
        self._named.append(node)
        return node

    def many(self, words: Sequence[NodesWord]) -> tuple[int, ...]:
        """The nodes of these words now, each once, in order; may be empty for `crashed`."""
        found: list[int] = []
        for word in words:
            nodes = self._several(str(word)) if word in GROUP_WORDS else [self._find(word)]
            found += [node for node in nodes if node not in found]
            self._named += nodes
        return tuple(found)

    def groups(self, groups: Sequence[Sequence[NodesWord]]) -> tuple[tuple[int, ...], ...]:
        """The groups of a partition; no node may be in two of them."""
        found: list[tuple[int, ...]] = []
        for words in groups:
            group = self.many(words)
            twice = next((node for node in group for other in found if node in other), None)
            if twice is not None:
                raise InputError(f"node {twice} stands in two groups: name it in one.")
            if group:
                found.append(group)
        return tuple(found)

    def link(self, word: LinkWord) -> Link:
        """The directed link between two nodes."""
        source, target = self.one(word[0]), self.one(word[1])
        if source == target:
            raise InputError(f"{word[0]!s} and {word[1]!s} are both node {source} now: name two different nodes.")
        return source, target

    def links(self, links: Iterable[LinkWord], around: Iterable[NodeWord]) -> tuple[Link, ...]:
        """Directed links; for each node in `around` all links from and to it."""
        found = [self.link(word) for word in links]
        for word in around:
            node = self.one(word)
            for other in self._cluster.settings.node_ids:
                if other != node:
                    found += [(node, other), (other, node)]
        return tuple(dict.fromkeys(found))

    def _several(self, word: str) -> list[int]:
        everyone = list(self._cluster.settings.node_ids)
        if word == "crashed":
            return [node for node in everyone if self._cluster.status(node).life == "down"]
        if word == "rest":
            return [node for node in everyone if node not in self._named]
        return everyone

    def _find(self, word: NodeWord) -> int:
        if isinstance(word, int):
            if word not in self._cluster.settings.node_ids:
                most = self._cluster.settings.nodes
                raise InputError(f"there is no node {word}: nodes are numbered from 1 to {min(most, MAX_NODES)}.")
            return word
        if word == "leader":
            leader = current_leader(self._cluster)
            if leader is None:
                raise InputError("there is no leader now: 'wait leader' waits for one.")
            return leader
        fresh = [node for node in nodes_up(self._cluster) if node not in self._named]
        if word == "follower":
            leader = current_leader(self._cluster)
            return self._first([node for node in fresh if node != leader], "follower that is up")
        if word == "random":
            self._first(fresh, "node that is up and not named yet")
            return self._dice.choice(fresh)
        majority = majority_side(self._cluster)
        if word == "majority":
            return self._first(
                [node for node in nodes_up(self._cluster) if node in majority], "majority side that is up"
            )
        return self._first(
            [node for node in nodes_up(self._cluster) if node not in majority], "minority side that is up"
        )

    def _first(self, nodes: Sequence[int], what: str) -> int:
        if not nodes:
            raise InputError(f"there is no {what} now.")
        return nodes[0]
