"""What reads show of the writes of one key, as clusters: a register, a text, or a list that grows.

A *cluster* is a write of a key that replaces what was there, the appends that reads of it show, and these reads: while
the key holds its value nothing else of the key takes effect. Inside a cluster the reads tell the order.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.checks.linearizability.model import frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.texts import Pieces
from simulator.checks.linearizability.unambiguous.zones import FIRST


@dataclass(slots=True)
class Cluster:
    """Its writes in order (the first one missing if the key began with its value), and (count of writes, read)."""

    key: Hashable
    writes: list[int]
    reads: list[tuple[int, int]] = field(default_factory=list)
    starts_it: bool = False
    """The key began with its value."""

    def operations(self) -> list[int]:
        """All of them."""
        return [*self.writes, *(read for _, read in self.reads)]


def _register(table: Operations, key: Hashable, numbers: Sequence[int], first: Any) -> list[Cluster] | Conflict:
    start = Cluster(key, [], starts_it=True)
    by_value: dict[Any, Cluster] = {frozen(first): start}
    for number in numbers:
        if table.f[number] == "write":
            cluster = by_value.setdefault(frozen(table.arg[number]), Cluster(key, [number]))
            if cluster.writes != [number]:
                raise Ambiguous
    for number in numbers:
        if table.f[number] != "write":
            shown = by_value.get(frozen(table.result[number]))
            if shown is None:
                return Conflict("{0} read a value that nobody wrote", (number,))
            shown.reads.append((len(shown.writes), number))
    return _without_unseen(table, by_value.values())


def _texts(table: Operations, key: Hashable, numbers: Sequence[int], first: Any) -> list[Cluster] | Conflict:
    pieces = Pieces(table, numbers, first or "")
    found: dict[int, Cluster] = {FIRST: Cluster(key, [], starts_it=True)}
    for number in numbers:
        if table.f[number] != "get":
            continue
        writes = pieces.parse(table.result[number][1] or "")
        if writes is None:
            return Conflict("{0} read what no order of the writes can give", (number,))
        cluster = found.setdefault(writes[0], Cluster(key, []))
        shown = [write for write in writes if write != FIRST]
        longer = max(shown, cluster.writes, key=len)
        if longer[: len(shown)] != shown or longer[: len(cluster.writes)] != cluster.writes:
            return Conflict("{0} and {1} show the same appends in different orders", (cluster.reads[-1][1], number))
        cluster.writes = longer
        cluster.reads.append((len(shown), number))
    return _with_unseen(table, key, numbers, list(found.values()), {"put", "append"})


def _lists(table: Operations, key: Hashable, numbers: Sequence[int], first: Any) -> list[Cluster] | Conflict:
    begun = list(map(frozen, first or ()))
    appends: dict[Any, int] = {}
    repeated = set(begun)
    for number in numbers:
        if table.f[number] == "append":
            element = frozen(table.arg[number][1])
            if appends.setdefault(element, number) != number:
                repeated.add(element)
    only = Cluster(key, [], starts_it=True)
    for number in numbers:
        if table.f[number] != "read":
            continue
        values = list(map(frozen, table.result[number][1] or ()))
        if values[: len(begun)] != begun:
            return Conflict("{0} does not show what the list began with", (number,))
        if not repeated.isdisjoint(values[len(begun) :]):
            raise Ambiguous
        shown = [appends.get(value, FIRST) for value in values[len(begun) :]]
        if FIRST in shown:
            return Conflict("{0} shows an element that nobody appended", (number,))
        longer = max(shown, only.writes, key=len)
        if longer[: len(shown)] != shown or longer[: len(only.writes)] != only.writes:
            text = "{0} and {1} show lists of which neither is the beginning of the other"
            return Conflict(text, (only.reads[-1][1], number))
        only.writes = longer
        only.reads.append((len(shown), number))
    return _with_unseen(table, key, numbers, [only], {"append"})


CLUSTERS = {"register": _register, "kv": _texts, "append-list": _lists}
"""For each model how the operations of a key fall into clusters; raises `Ambiguous` if values are repeated."""


def _with_unseen(
    table: Operations, key: Hashable, numbers: Sequence[int], found: list[Cluster], writing: set[str]
) -> list[Cluster] | Conflict:
    """The clusters, and each write that no read shows as one of its own."""
    seen: dict[int, Cluster] = {}
    for cluster in found:
        for write in cluster.writes:
            if seen.setdefault(write, cluster) is not cluster or cluster.writes.count(write) > 1:
                reader = cluster.reads[-1][1] if cluster.reads else write
                return Conflict("{0} shows what {1} wrote, which another value or place shows too", (reader, write))
    unseen = [number for number in numbers if table.f[number] in writing and number not in seen]
    return _without_unseen(table, [*found, *(Cluster(key, [number]) for number in unseen)])


def _without_unseen(table: Operations, clusters: Iterable[Cluster]) -> list[Cluster]:
    """The clusters without writes of unknown fate that no read shows: they can be left out of every order."""
    return [one for one in clusters if one.reads or any(table.ret[write] != PENDING for write in one.writes)]
