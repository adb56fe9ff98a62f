"""Weaker promises of a register whose values are written once: decided without a search.

*Sequential.* In every order the write of a value and its reads follow one another: they are one *cluster*. So an order
that keeps the order of each process exists if and only if the order of processes leads from cluster to cluster without
a cycle (compare Gibbons & Korach, 1997; Cantin, Lipasti & Smith, 2005). O(n).

*Regular.* A read is wrong if its write began after it ended, or if another write lies between: after that one, and
before the read. O(n log n).

*Stale N.* The deadline of a write is the first return among it and its reads: it has taken effect by then. A read
whose value more than N other writes have certainly replaced proves that no order exists: each was called after the
deadline of the write that is read, and has a deadline before the read was called. On the other hand, for a given order
of the writes the earliest moments of all writes tell whether it will do: each comes after its own call, after the write
before it, and after the calls of all reads that show the write N + 1 places before it; it must come by its deadline.
One likely order is tried. What neither proof settles is searched. O(n log n).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict

_FIRST = -1
"""Stands for the write of the first value."""

_MOST_STEPS = 6


class Clusters:
    """The operations `numbers` of a register by value: the write of each value with its reads."""

    def __init__(self, table: Operations, numbers: Sequence[int], first: State) -> None:
        """Raises `Ambiguous` if a value was written twice."""
        self.table = table
        self.reads: dict[int, list[int]] = {_FIRST: []}
        self.cluster: dict[int, int] = {}
        self.nobody: int | None = None
        written = {first: _FIRST}
        for number in numbers:
            if table.f[number] == "write" and written.setdefault(frozen(table.arg[number]), number) != number:
                raise Ambiguous
        for number in numbers:
            if table.f[number] == "write":
                self.cluster[number] = number
                self.reads.setdefault(number, [])
                continue
            writer = written.get(frozen(table.result[number]))
            if writer is None:
                self.nobody = number
                return
            self.cluster[number] = writer
            self.reads.setdefault(writer, []).append(number)
        for number in [one for one, reads in self.reads.items() if not reads and one != _FIRST]:
            if table.ret[number] == PENDING:  # It can be left out of every order.
                del self.reads[number], self.cluster[number]

    def deadline(self, write: int) -> int:
        """The first return among a write and its reads."""
        rets = self.table.ret
        own = _FIRST if write == _FIRST else rets[write]
        return min([own, *map(rets.__getitem__, self.reads[write])])


def sequential_conflict(clusters: Clusters) -> Conflict | None:
    """The contradiction if no order keeps the order of each process."""
    if clusters.nobody is not None:
        return Conflict("{0} read a value that nobody wrote", (clusters.nobody,))
    table, cluster = clusters.table, clusters.cluster
    after: dict[int, dict[int, tuple[int, int]]] = {}
    last: dict[int, int] = {}
    for number in sorted(cluster, key=table.call.__getitem__):
        mine, before = cluster[number], last.get(table.process[number])
        if before is not None and cluster[before] != mine:
            after.setdefault(cluster[before], {}).setdefault(mine, (before, number))
        elif before is not None and mine == number:
            return Conflict("{0} read what {1} of the same process wrote only after it", (before, number))
        if mine != _FIRST:
            after.setdefault(_FIRST, {}).setdefault(mine, (_FIRST, mine))
        last[table.process[number]] = number
    cycle = _cycle(after)
    if cycle is None:
        return None
    steps = [after[one][other] for one, other in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
    named = [step for step in steps if step[0] != _FIRST]
    shown = named[:_MOST_STEPS]
    texts = [f"{{{2 * at}}} came before {{{2 * at + 1}}} in the same process" for at in range(len(shown))]
    more = f", and so on, {len(named) - len(shown)} steps more" if len(named) > len(shown) else ""
    text = f"the values would have to follow one another in a circle: {'; '.join(texts)}{more}"
    return Conflict(text, tuple(number for step in shown for number in step))


def _cycle(after: dict[int, dict[int, tuple[int, int]]]) -> list[int] | None:
    """The nodes of a cycle, in order; None if there is none."""
    over: set[int] = set()
    for start in after:
        path: list[int] = []
        on_path: dict[int, int] = {}
        waiting = [(start, True)]
        while waiting:
            node, enters = waiting.pop()
            if not enters:
                over.add(node)
                del on_path[node]
                path.pop()
            elif node in on_path:
                return path[on_path[node] :]
            elif node not in over:
                on_path[node] = len(path)
                path.append(node)
                waiting.append((node, False))
                waiting += [(following, True) for following in after.get(node, ())]
    return None


def stale_conflict(clusters: Clusters, behind: int) -> Conflict | None:
    """The contradiction if some read shows what certainly more than `behind` writes have replaced.

    Raises:
        Ambiguous: nothing is proved, neither that nor the contrary.
    """
    if clusters.nobody is not None:
        return Conflict("{0} read a value that nobody wrote", (clusters.nobody,))
    calls, rets = clusters.table.call, clusters.table.ret
    writes = [one for one in clusters.reads if one != _FIRST]
    deadlines = {one: clusters.deadline(one) for one in clusters.reads}
    for one in writes:
        if deadlines[one] < calls[one]:
            early = min(clusters.reads[one], key=rets.__getitem__)
            return Conflict("{0} ended before {1} began, and read its value", (early, one))
    too_old = _too_old(clusters, writes, deadlines, behind)
    if too_old is not None:
        return too_old
    order = [_FIRST, *sorted(writes, key=_likely_moments(clusters, writes, deadlines).__getitem__)]
    moment = -1
    for at, one in enumerate(order):
        if at > behind:
            moment = max(moment, *(calls[read] for read in clusters.reads[order[at - behind - 1]]), -1)
        if one != _FIRST:
            moment = max(moment, calls[one])
            if moment > deadlines[one]:
                raise Ambiguous
    return None


def _too_old(clusters: Clusters, writes: Sequence[int], deadlines: dict[int, int], behind: int) -> Conflict | None:
    """A read whose value more than `behind` writes have certainly replaced."""
    calls = clusters.table.call
    over = sorted(writes, key=deadlines.__getitem__)
    starts = sorted(calls[one] for one in writes)
    counts = [0] * (len(starts) + 1)  # A Fenwick tree: the writes that are over, by their calls.
    used = 0
    found: tuple[int, int, int] | None = None
    reads = ((calls[read], read, one) for one, several in clusters.reads.items() for read in several)
    for call, read, one in sorted(reads):
        while used < len(over) and deadlines[over[used]] < call:
            at = bisect_left(starts, calls[over[used]]) + 1
            while at <= len(starts):
                counts[at] += 1
                at += at & -at
            used += 1
        since = bisect_right(starts, deadlines[one])
        replaced, at = used, since
        while at:
            replaced -= counts[at]
            at -= at & -at
        if replaced > behind and (found is None or clusters.table.ret[read] < clusters.table.ret[found[0]]):
            found = read, one, replaced
    if found is None:
        return None
    read, one, replaced = found
    others = [other for other in over if calls[other] > deadlines[one] and deadlines[other] < calls[read]]
    text = (
        "{0} shows the value of {1}, which at least " + str(replaced) + " later writes had replaced before, first {2}"
    )
    return Conflict(text, (read, one, others[0]))


def _likely_moments(clusters: Clusters, writes: Sequence[int], deadlines: dict[int, int]) -> dict[int, tuple[int, int]]:
    """A moment for each write at which it may well have taken effect, were it not for the reads that are stale.

    A value that was certainly there for some time was there from its deadline on. Another one was there at a moment;
    where that lies in the time of a value of the first kind, the moment is before or after that time.
    """
    forward = _forward(clusters, deadlines, clusters.reads)
    forward = _forward(clusters, deadlines, [one for since, until, one in forward if until > since])
    starts = [since for since, _, _ in forward]
    found: dict[int, tuple[int, int]] = {one: (since, 0) for since, _, one in forward}
    calls = clusters.table.call
    for one in writes:
        if one not in found:
            reads = (calls[read] for read in clusters.reads[one] if calls[read] < deadlines[one])
            called = max(calls[one], *reads, -1)
            around = bisect_left(starts, called) - 1
            inside = around >= 0 and called < forward[around][1]
            found[one] = (forward[around][1] if inside else called, 1)
    return found


def _forward(clusters: Clusters, deadlines: dict[int, int], some: Iterable[int]) -> list[tuple[int, int, int]]:
    """The values that were there for some time: (since, until, write). Reads after the next of them do not count."""
    calls = clusters.table.call
    begun = sorted((deadlines[one], one) for one in some)
    found: list[tuple[int, int, int]] = []
    for at, (since, one) in enumerate(begun):
        following = begun[at + 1][0] if at + 1 < len(begun) else PENDING
        until = max((calls[read] for read in clusters.reads[one] if calls[read] < following), default=since)
        found.append((since, until, one))
    return found


def regular_conflict(clusters: Clusters) -> Conflict | None:
    """A read that no order of it and all writes explains: its value was replaced before it began, or written after."""
    if clusters.nobody is not None:
        return Conflict("{0} alone: nobody wrote the value", (clusters.nobody,))
    calls, rets = clusters.table.call, clusters.table.ret
    over = sorted((one for one in clusters.reads if one != _FIRST), key=rets.__getitem__)
    ends = [rets[one] for one in over]
    latest: list[int] = []
    for one in over:
        latest.append(one if not latest or calls[one] > calls[latest[-1]] else latest[-1])
    for write, reads in clusters.reads.items():
        for read in reads:
            if write != _FIRST and rets[read] < calls[write]:
                return Conflict("{0} alone: it ended before {1} began, and read its value", (read, write))
            before = bisect_left(ends, calls[read])
            other = latest[before - 1] if before else _FIRST
            if other == _FIRST or calls[other] < (-1 if write == _FIRST else rets[write]):
                continue
            text = "{0} alone: {1} replaced what it read, and ended before it began"
            if write == _FIRST:
                return Conflict(text, (read, other))
            return Conflict(
                "{0} alone: {1} replaced the value of {2}, and ended before the read began", (read, other, write)
            )
    return None
