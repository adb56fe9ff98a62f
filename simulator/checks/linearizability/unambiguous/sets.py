"""A set. If elements are only added, each read shows how far it has grown; with removals see `removals.py`.

Reads are ordered by inclusion. An element comes, by one of its adds, after all reads without it and before all reads
with it; after what was asked for it and did not find it, and before what did. One pass over the reads lets each element
come at the earliest moment; it fails if and only if some operation is over by then. Adding an element again changes
nothing, so elements need not be distinct here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
            about single elements are mixed with removals.
    """
    if any(table.f[number] == "remove" for number in numbers):
        if all(table.f[number] != "read" for number in numbers):
            return decide_membership(table, numbers, frozenset(first))
        if any(table.f[number] == "contains" or tells(table, number) for number in numbers):
            raise Ambiguous
        return decide_removals(table, numbers, frozenset(first))
    elements: dict[State, _Element] = {}
    reads: list[tuple[frozenset[State], int]] = []
    for number in numbers:
        if table.f[number] == "read":
            shown = frozen_set(table.result[number])
            if len(shown) != len(table.result[number]):
                return Conflict("{0} shows an element twice", (number,))
            reads.append((shown, number))
        else:
            elements.setdefault(frozen(table.arg[number]), _Element()).take(table, number)
    growth = _Growth(table, elements, frozenset(first))
    return growth.odd_answer() or growth.conflict(reads)


@dataclass(slots=True)
class _Element:
    """The operations about one element: adds, answers that it was there or not, and adds that said they brought it."""

    adds: list[int] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    brought: list[int] = field(default_factory=list)

    def take(self, table: Operations, number: int) -> None:
        """Sort in one operation."""
        if table.f[number] == "contains":
            (self.found if table.result[number] else self.missed).append(number)
        elif not tells(table, number):
            self.adds.append(number)
        elif table.result[number]:
            self.brought.append(number)
        else:
            self.found.append(number)


class _Growth:
    """The pass over the reads. `moment` is the call of `latest`, the operation that nothing later can precede."""

    def __init__(self, table: Operations, elements: dict[State, _Element], first: frozenset[State]) -> None:
        self._table = table
        self._elements = elements
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
        for element, about in self._elements.items():
            found = None if element in self._held else self._come(about)
            if found is not None:
                return found
        return None

    def odd_answer(self) -> Conflict | None:
        """An answer about an element that no order gives, whatever the reads show."""
        for element, about in self._elements.items():
            brought = about.brought
            if element in self._held:
                if about.missed:
                    return Conflict("{0} did not find what the set began with", (about.missed[0],))
                if brought:
                    return Conflict("{0} added what the set began with", (brought[0],))
            elif len(brought) > 1:
                return Conflict("{0} and {1} both added the same element, which nobody removed", (*brought[:2],))
            elif about.found and not about.adds and not brought:
                return Conflict("{0} found an element that nobody added", (about.found[0],))
        return None

    def _grow(self, shown: frozenset[State], reader: int) -> Conflict | None:
        """Add what a read shows beyond the reads before it."""
        if not self._held <= shown:
            if self._reader < 0:
                return Conflict("{0} does not show all that the set began with", (reader,))
            return Conflict("{0} misses an element that {1} shows, and shows another", (reader, self._reader))
        soonest: list[int] = []
        for element in shown - self._held:
            about = self._elements.get(element)
            if about is None or not (about.adds or about.brought):
                return Conflict("{0} shows an element that nobody added", (reader,))
            found = self._come(about)
            if found is not None:
                return found
            soonest.append(self._earliest(about))
        self._held, self._reader = shown, reader
        if soonest:
            self._after(max(soonest, key=self._table.call.__getitem__))
        return None

    def _earliest(self, about: _Element) -> int:
        """The operation whose call bounds the coming of an element from below: an add, or one that missed it."""
        calls = self._table.call
        add = min(about.brought or about.adds, key=calls.__getitem__)
        return max([add, *about.missed], key=calls.__getitem__)

    def _come(self, about: _Element) -> Conflict | None:
        """The contradiction if an operation that the element must precede is over before it can come."""
        needing = [*about.adds, *about.found, *about.brought]
        if not needing:
            return None
        calls, rets, latest, moment = self._table.call, self._table.ret, self._latest, self._moment
        earliest = self._earliest(about)
        if calls[earliest] > moment:
            latest, moment = earliest, calls[earliest]
        number = min(needing, key=rets.__getitem__)
        if rets[number] >= moment:
            return None
        if latest in about.adds or latest in about.brought:
            return Conflict("{0} ended before {1} began, and its element was there", (number, latest))
        if self._table.f[latest] == "add":
            text = "{0} ended before {1} began, and a read shows the element of the second without that of the first"
            return Conflict(text, (number, latest))
        return Conflict("{0} ended before {1} began, which does not show its element", (number, latest))

    def _after(self, number: int) -> None:
        if self._table.call[number] > self._moment:
            self._latest, self._moment = number, self._table.call[number]
