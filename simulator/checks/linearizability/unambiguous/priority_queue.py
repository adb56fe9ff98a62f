"""A priority queue whose elements are distinct numbers: decided from the least element to the greatest.

An element can be taken only while no smaller one is in; greater ones do not matter to it. So each element, the least
first, is put in as late and taken as early as possible: at the first gap from which its taking may take effect and at
which no smaller one is in. That keeps the gaps at which it is in as few as possible for the greater ones. An operation
that found nothing needs a gap at which no element at all is in.

Pending takings are in `wild.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.checks.linearizability.model import State
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Conflict
from simulator.checks.linearizability.unambiguous.elements import NOBODY, Element, Elements, elements_of
from simulator.checks.linearizability.unambiguous.wild import SuffixMinimum, decide_with_wild


def decide_priority_queue(table: Operations, numbers: Sequence[int], first: Sequence[State]) -> Conflict | None:
    """None if the operations `numbers` of a priority queue that held `first` are linearizable. O(n log n).

    Raises:
        Ambiguous: an element was inserted twice, or a pending delete-min leaves a choice.
    """
    found = elements_of(table, numbers, "delete-min", first)
    if isinstance(found, Conflict):
        return found
    events = 1 + max((position for number in numbers for position in _events(table, number)), default=0)
    blamed: list[tuple[int, int]] = []
    return decide_with_wild(
        found,
        lambda elements: _sweep(table, found, elements, events, blamed),
        lambda: _deadlines(table, found),
        lambda: blamed,
    )


def _deadlines(table: Operations, found: Elements) -> list[tuple[int, Element]]:
    """Each element that stays: it must go before a greater one is taken, and before nothing at all is found."""
    gone = SuffixMinimum([one.take_call for one in found.elements] + [table.call[number] for number in found.empties])
    for number in found.empties:
        gone.add(table.call[number], table.ret[number])
    deadlines: list[tuple[int, Element]] = []
    for one in sorted(found.elements, key=lambda one: one.value, reverse=True):
        if one.take != NOBODY:
            gone.add(one.take_call, one.take_ret)
        else:
            deadlines.append((gone.after(one.put_ret), one))
    return deadlines


def _events(table: Operations, number: int) -> tuple[int, ...]:
    call, ret = table.call[number], table.ret[number]
    return (call,) if ret == PENDING else (call, ret)


def _sweep(
    table: Operations, found: Elements, elements: Sequence[Element], events: int, blamed: list[tuple[int, int]]
) -> Conflict | None:
    """The sweep. `blamed` gets the elements that stay in the way of a conflict, and by when they should go."""
    free = _Free(events)
    for one in sorted(elements, key=lambda one: one.value):
        earliest = max(one.take_call, one.put_call)
        gap = free.first_from(earliest) if earliest < events else events
        if gap >= one.take_ret:
            blamed[:] = free.staying(earliest, one.take_ret)
            smaller = free.holder_at(earliest)
            text = "{0} took its element, but what {1} had put in is smaller and was there all the time"
            return Conflict(text, (one.take, smaller.put))
        free.occupy(max(one.put_ret, 0), min(gap, events), one)
    for number in found.empties:
        if free.first_from(table.call[number]) >= table.ret[number]:
            blamed[:] = free.staying(table.call[number], table.ret[number])
            holder = free.holder_at(table.call[number])
            return Conflict("{0} found nothing, but what {1} had put in was there", (number, holder.put))
    return None


class _Free:
    """The gaps at which no element is in: a disjoint-set forest that leads from each gap to the next free one."""

    def __init__(self, events: int) -> None:
        self._next = list(range(events + 1))
        self._holder: dict[int, Element] = {}

    def first_from(self, gap: int) -> int:
        """The first free gap from `gap` on; the number of events if there is none."""
        following = self._next
        root = gap
        while following[root] != root:
            root = following[root]
        while following[gap] != root:
            following[gap], gap = root, following[gap]
        return root

    def occupy(self, start: int, end: int, holder: Element) -> None:
        """No gap from `start` to before `end` is free any longer."""
        gap = self.first_from(start) if start < end else end
        while gap < end:
            self._next[gap] = gap + 1
            self._holder[gap] = holder
            gap = self.first_from(gap)

    def staying(self, start: int, end: int) -> list[tuple[int, int]]:
        """The elements that nobody is known to have taken, of those that occupy gaps here: (put, `end`), last first."""
        holders = (self._holder.get(gap) for gap in range(min(end, len(self._next)) - 1, start - 1, -1))
        puts = dict.fromkeys(one.put for one in holders if one is not None and one.take == NOBODY)
        return [(put, end) for put in puts]

    def holder_at(self, gap: int) -> Element:
        """The element that made this gap occupied."""
        return self._holder[gap]
