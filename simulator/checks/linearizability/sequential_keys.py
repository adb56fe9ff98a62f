"""Are registers, texts or lists by key sequential together? Decided without a search where the values are distinct.

Inside a cluster (`sequential_clusters.py`) the reads tell the order. Between the clusters of a key it is free, as far
as the processes allow. To find an order is hard in general (Gibbons & Korach, 1997, section 4), so two ways are tried:

* A likely order is built, one operation after the other: a write that replaces a value waits for the reads of that
value, and of the writes that may come next the one is taken that may well have come first in real time. If that ends,
it is an order.
* If one operation of a cluster must precede one of another of the same key, all of it must. This is added to the order
of the processes until nothing new follows. If it makes a circle, there is no order.

What neither settles is searched.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.forced_graph import ForcedGraph
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.parts_judge import describe
from simulator.checks.linearizability.prefix import Reason
from simulator.checks.linearizability.sequential_clusters import CLUSTERS, Cluster
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict

_MOST_CLOCKS = 20_000_000
_MOST_ROUNDS = 20


def sequential_keys(
    table: Operations,
    model: str,
    parts: Mapping[Hashable, Sequence[int]],
    firsts: Mapping[Hashable, Any],
    budget: Budget,
) -> Reason | None:
    """None if one order keeps the order of each process, else the reason. Its `length` means nothing.

    Raises:
        Ambiguous: values are repeated, or neither an order nor a circle was found.
        OutOfBudget: a limit was reached first.
    """
    clusters: list[Cluster] = []
    for key, numbers in parts.items():
        found = CLUSTERS[model](table, key, numbers, firsts[key])
        if isinstance(found, Conflict):
            text = found.text.format(*(describe(table, number) for number in found.operations))
            return Reason(f"{text}.", 0, tuple(table.call[number] for number in found.operations))
        clusters += found
    sequence = _Sequence(table, clusters)
    if sequence.likely_order():
        return None
    for _ in range(_MOST_ROUNDS):
        circle = sequence.graph.circle()
        if circle:
            why, nodes = sequence.graph.explained(circle, sequence.why)
            return Reason(why, 0, tuple(table.call[node] for node in dict.fromkeys(nodes)))
        if not sequence.follow(budget):
            break
    if not sequence.likely_order():
        raise Ambiguous
    return None


Moment = tuple[int, int]


def _likely_moments(table: Operations, clusters: Sequence[Cluster], *, late: bool) -> list[Moment]:
    """A moment for each cluster at which it may well have begun, were it not for the few reads that are stale.

    `late`: a value that was read when others had replaced it began only then.

    A value that was certainly there for some time began with the first return. Another one was there at a moment; where
    that lies in the time of a value of the first kind, the moment is before or after that time.
    """
    calls, rets = table.call, table.ret
    of_key: dict[Hashable, list[int]] = {}
    for at, cluster in enumerate(clusters):
        of_key.setdefault(cluster.key, []).append(at)
    found: list[Moment] = [(-1, 0)] * len(clusters)
    for some in of_key.values():
        called = {at: sorted(map(calls.__getitem__, clusters[at].operations())) for at in some}
        deadline = {
            at: -1 if clusters[at].starts_it else min(map(rets.__getitem__, clusters[at].operations())) for at in some
        }
        lasting = _lasting(called, deadline, some)
        lasting = _lasting(called, deadline, [at for since, until, at in lasting if until > since])
        starts = [since for since, _, _ in lasting]
        for since, until, at in lasting:
            found[at] = (max(since, called[at][-1]) if late and called[at][-1] > until else since, 0)
        for at in set(some).difference(at for _, _, at in lasting):
            early = called[at][: bisect_left(called[at], deadline[at])]
            moment = early[-1] if early else deadline[at]
            around = bisect_left(starts, moment) - 1
            inside = around >= 0 and moment < lasting[around][1]
            found[at] = (lasting[around][1] if inside else moment, 1)
    return found


def _lasting(
    called: Mapping[int, Sequence[int]], deadline: Mapping[int, int], some: Sequence[int]
) -> list[tuple[int, int, int]]:
    """The times of some clusters in order: (since, until, cluster). Reads after the next one has begun do not count."""
    begun = sorted((deadline[at], at) for at in some)
    found: list[tuple[int, int, int]] = []
    for (since, at), (following, _) in zip(begun, [*begun[1:], (PENDING, 0)], strict=False):
        before = bisect_left(called[at], following) - 1
        found.append((since, max(since, called[at][before]) if before >= 0 else since, at))
    return found


class _Sequence:
    """The graph of the operations, and which clusters they belong to."""

    def __init__(self, table: Operations, clusters: Sequence[Cluster]) -> None:
        self._table = table
        self._clusters = clusters
        self.graph = graph = ForcedGraph(len(table))
        self._cluster_of: dict[int, int] = {}
        self._ends: list[int] = []
        self._ordered: set[tuple[int, int]] = set()
        for at, cluster in enumerate(clusters):
            self._add(at, cluster)
        starts = {one.key: at for at, one in enumerate(clusters) if one.starts_it}
        for at, cluster in enumerate(clusters):
            if not cluster.starts_it and cluster.key in starts:
                self._precede(starts[cluster.key], at, cluster.writes[0])
        lines: dict[int, list[tuple[int, bool]]] = {}
        for number in sorted(self._cluster_of):
            lines.setdefault(table.process[number], []).append((number, table.ret[number] != PENDING))
        self._lines = list(lines.values())
        self._moments = [_likely_moments(table, clusters, late=late) for late in (False, True)]
        graph.add_processes(lines)

    def _add(self, at: int, cluster: Cluster) -> None:
        before, last = self.graph.before, -1
        reads = sorted(cluster.reads)
        end = self.graph.joint()
        self._ends.append(end)
        self._cluster_of.update(dict.fromkeys(cluster.operations(), at))
        for count, read in reads:
            if count:
                before[read].append(cluster.writes[count - 1])
            before[cluster.writes[count] if count < len(cluster.writes) else end].append(read)
        for write in cluster.writes:
            if last >= 0:
                before[write].append(last)
            last = write
        before[end] += cluster.writes[-1:]

    def _precede(self, one: int, other: int, number: int) -> bool:
        """All of one cluster before all of another, `number` among it; False if that is known."""
        if (one, other) in self._ordered:
            return False
        self._ordered.add((one, other))
        first = number if self._clusters[other].starts_it else self._clusters[other].writes[0]
        self.graph.before[first].append(self._ends[one])
        return True

    def follow(self, budget: Budget) -> bool:
        """Add what follows from the order so far; False if nothing does.

        Raises:
            Ambiguous: that would take too much memory.
            OutOfBudget: it takes too long.
        """
        cluster_of = self._cluster_of
        if len(self._lines) * len(cluster_of) > _MOST_CLOCKS:
            raise Ambiguous
        clocks = self._clocks(budget)
        keys: dict[Hashable, list[tuple[int, list[int], list[int]]]] = {}
        for process, line in enumerate(self._lines):
            places: dict[Hashable, tuple[list[int], list[int]]] = {}
            for place, (number, _) in enumerate(line):
                mine = places.setdefault(self._clusters[cluster_of[number]].key, ([], []))
                mine[0].append(place)
                mine[1].append(cluster_of[number])
            for key, (at, clusters) in places.items():
                keys.setdefault(key, []).append((process, at, clusters))
        new = False
        for number, cluster in cluster_of.items():
            budget.check()
            clock = clocks[number]
            for process, places_of, clusters in keys[self._clusters[cluster].key]:
                last = bisect_left(places_of, clock[process]) - 1
                if last >= 0 and clusters[last] != cluster:
                    new = self._precede(clusters[last], cluster, number) or new
        return new

    def _clocks(self, budget: Budget) -> list[list[int]]:
        """For each operation and process how many operations of that process must precede it."""
        before, lines = self.graph.before, self._lines
        place = {number: (process, at) for process, line in enumerate(lines) for at, (number, _) in enumerate(line)}
        clocks: list[list[int]] = [[]] * len(before)
        for node in self._topological():
            budget.check()
            clock = [0] * len(lines)
            for one in before[node]:
                clock = list(map(max, clock, clocks[one]))
                if one in place:
                    process, at = place[one]
                    clock[process] = max(clock[process], at + 1)
            clocks[node] = clock
        return clocks

    def _topological(self) -> list[int]:
        waits, after = self._waits()
        ready = [node for node, count in enumerate(waits) if not count]
        for node in ready:
            for other in after[node]:
                waits[other] -= 1
                if not waits[other]:
                    ready.append(other)
        return ready

    def _waits(self) -> tuple[list[int], list[list[int]]]:
        """For each node how many others must precede it, and which must follow it."""
        before = self.graph.before
        after: list[list[int]] = [[] for _ in before]
        for node, some in enumerate(before):
            for one in some:
                after[one].append(node)
        return list(map(len, before)), after

    def likely_order(self) -> bool:
        """Whether one of the orders that are built ends with all operations."""
        return any(self._ends_well(moments) for moments in self._moments)

    def _ends_well(self, urgent: Sequence[Moment]) -> bool:
        cluster_of, clusters = self._cluster_of, self._clusters
        waits, after = self._waits()
        left = [len(each.operations()) for each in clusters]
        holds = {each.key: at for at, each in enumerate(clusters) if each.starts_it and left[at]}
        ready = [node for node, count in enumerate(waits) if not count]
        writes: list[tuple[Moment, int]] = []
        blocked: dict[int, list[tuple[Moment, int]]] = {}
        while ready or writes:
            if not ready:
                _, node = heapq.heappop(writes)
                holder = holds.get(clusters[cluster_of[node]].key, -1)
                if holder >= 0 and left[holder]:
                    blocked.setdefault(holder, []).append((urgent[cluster_of[node]], node))
                    continue
                holds[clusters[cluster_of[node]].key] = cluster_of[node]
            else:
                node = ready.pop()
                cluster = cluster_of.get(node, -1)
                if cluster >= 0 and not clusters[cluster].starts_it and node == clusters[cluster].writes[0]:
                    heapq.heappush(writes, (urgent[cluster], node))
                    continue
            cluster = cluster_of.get(node, -1)
            if cluster >= 0:
                left[cluster] -= 1
                if not left[cluster]:
                    for one in blocked.pop(cluster, ()):
                        heapq.heappush(writes, one)
            for other in after[node]:
                waits[other] -= 1
                if not waits[other]:
                    ready.append(other)
        return not any(left)

    def why(self, one: int, other: int) -> str:
        """Why `one` must precede `other`, in words."""
        names = [describe(self._table, node) for node in (one, other)]
        if self.graph.previous.get(other) == one:
            return f"{names[0]} came before {names[1]} in the same process"
        if self._cluster_of[one] != self._cluster_of[other]:
            return f"the value of {names[0]} was there before that of {names[1]}"
        writes = self._clusters[self._cluster_of[one]].writes
        return f"{names[1]} shows {names[0]}" if one in writes else f"{names[0]} does not show {names[1]}"
