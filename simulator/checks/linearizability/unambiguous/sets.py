"""A set. If elements are only added, each read shows how far it has grown; with removals see `removals.py`.

Reads are ordered by inclusion. An element takes effect, by one of its adds, after all reads without it and before all
reads with it. One pass over the reads places each operation at the earliest moment; it fails if and only if some
operation is over by then. Adding an element again changes nothing, so elements need not be distinct here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.membership import decide_membership, tells
from simulator.checks.linearizability.unambiguous.removals import decide_removals
from simulator.checks.linearizability.unambiguous.set_facts import frozen_set


def decide_set(table: Operations, numbers: Sequence[int], first: Sequence[State]) -> Conflict | None:
    """None if the operations `numbers` of a set that held `first` are linearizable. Linear in what reads show.

    Raises:
        Ambiguous: elements were removed, and `decide_removals` could not decide; or reads of the whole set and answers
            about single elements are mixed.
    """
    if all(table.f[number] != "read" for number in numbers):
        return decide_membership(table, numbers, frozenset(first))
    if any(table.f[number] == "contains" or tells(table, number) for number in numbers):
        raise Ambiguous
    adds: dict[State, list[int]] = {}
    reads: list[tuple[frozenset[State], int]] = []
    if any(table.f[number] == "remove" for number in numbers):
        return decide_removals(table, numbers, frozenset(first))
    for number in numbers:
        if table.f[number] == "add":
            adds.setdefault(frozen(table.arg[number]), []).append(number)
        else:
            shown = frozen_set(table.result[number])
            if len(shown) != len(table.result[number]):
                return Conflict("{0} shows an element twice", (number,))
            reads.append((shown, number))
    return _Growth(table, adds, frozenset(first)).conflict(reads)


class _Growth:
    """The pass over the reads. `moment` is the call of `latest`, the operation that nothing later can precede."""

    def __init__(self, table: Operations, adds: dict[State, list[int]], first: frozenset[State]) -> None:
        self._table = table
        self._adds = adds
        self._held = first
        self._reader = -1
        self._latest = -1
        self._moment = -1

    def conflict(self, reads: list[tuple[frozenset[State], int]]) -> Conflict | None:
        """The contradiction, if there is one."""
        calls, rets = self._table.call, self._table.ret
        reads.sort(key=lambda read: (len(read[0]), calls[read[1]]))
        for _, group in groupby(reads, key=lambda read: len(read[0])):
            together = list(group)
            shown, reader = together[0]
            found = self._grow(shown, reader)
            if found is not None:
                return found
            for other, number in together:
                if other != shown:
                    return Conflict("{0} and {1} each miss an element that the other shows", (reader, number))
                if rets[number] < self._moment:
                    return Conflict(
                        "{0} ended before {1} began, but what reads show puts it later", (number, self._latest)
                    )
            self._after(max((number for _, number in together), key=calls.__getitem__))
        rest = [one for element, several in self._adds.items() if element not in self._held for one in several]
        return self._ended_too_early(rest, "{0} ended before {1} began, and no read shows its element")

    def _grow(self, shown: frozenset[State], reader: int) -> Conflict | None:
        """Add what a read shows beyond the reads before it."""
        if not self._held <= shown:
            if self._reader < 0:
                return Conflict("{0} does not show all that the set began with", (reader,))
            return Conflict("{0} misses an element that {1} shows, and shows another", (reader, self._reader))
        soonest: list[int] = []
        for element in shown - self._held:
            several = self._adds.get(element)
            if several is None:
                return Conflict("{0} shows an element that nobody added", (reader,))
            found = self._ended_too_early(several, "{0} ended before {1} began, which does not show its element")
            if found is not None:
                return found
            soonest.append(min(several, key=self._table.call.__getitem__))
        self._held, self._reader = shown, reader
        if soonest:
            self._after(max(soonest, key=self._table.call.__getitem__))
        return None

    def _ended_too_early(self, several: list[int], text: str) -> Conflict | None:
        for number in several:
            if self._table.ret[number] < self._moment:
                return Conflict(text, (number, self._latest))
        return None

    def _after(self, number: int) -> None:
        if self._table.call[number] > self._moment:
            self._latest, self._moment = number, self._table.call[number]
