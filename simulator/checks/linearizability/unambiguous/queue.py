"""A queue whose elements are distinct.

Henzinger, Sezgin & Vafeiadis (Aspect-Oriented Linearizability Proofs, CONCUR 2013, theorem 3) show that four patterns
are all that can be wrong: an element from nowhere, one taken twice, two taken in the wrong order, and nothing taken
although an element was always in. Each is looked for alone.

A pending dequeue may take any element at any moment after its call. It is used for elements that stay, of which a later
one was taken, or which were in when nothing was found. Each has a deadline; the pending dequeues are equal but for
their calls. So they suffice if and only if, for every moment, no more elements have a deadline until then than there
are pending dequeues called before it (Hall's condition for nested intervals).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from simulator.checks.linearizability.model import State
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Conflict
from simulator.checks.linearizability.unambiguous.elements import (
    NEVER,
    NOBODY,
    Cover,
    Element,
    Elements,
    elements_of,
    empty_conflict,
)


def decide_queue(table: Operations, numbers: Sequence[int], first: Sequence[State]) -> Conflict | None:
    """None if the operations `numbers` of a queue that held `first` are linearizable. O(n log n).

    Raises:
        Ambiguous: an element was enqueued twice.
    """
    found = elements_of(table, numbers, "dequeue", first)
    if isinstance(found, Conflict):
        return found
    staying: list[tuple[int, int]] = []  # (gap until which it must be taken, gap from which it is certainly in)
    conflict = _order_conflict(found, staying)
    return conflict or _empty_conflict(table, found, staying)


def _order_conflict(found: Elements, staying: list[tuple[int, int]]) -> Conflict | None:
    """Two elements in the wrong order. Adds to `staying` each element that nobody is known to have taken."""
    later = sorted(found.elements)
    calls = [one.put_call for one in later]
    soonest: list[Element] = list(later)
    for at in range(len(later) - 2, -1, -1):
        if soonest[at + 1].take_ret < soonest[at].take_ret:
            soonest[at] = soonest[at + 1]
    forced: list[tuple[int, Element, Element]] = []
    for one in later:
        after = bisect_right(calls, one.put_ret)
        taken = one.take != NOBODY
        overtaker = soonest[after] if after < len(later) else None
        if overtaker is None or overtaker.take_ret >= one.take_call:
            if not taken:
                staying.append((NEVER, one.put_ret))
            continue
        if taken:
            text = "{0} ended before {1} began, and {3}, which took the first element, began after {2} took the second"
            return Conflict(text, (one.put, overtaker.put, overtaker.take, one.take))
        staying.append((overtaker.take_ret - 1, one.put_ret))
        forced.append((overtaker.take_ret, one, overtaker))
    for used, (deadline, one, overtaker) in enumerate(sorted(forced)):
        if bisect_left(found.wild, deadline) <= used:
            text = (
                "{0} ended before {1} began, {2} took the second element, and nobody could have taken the first before"
            )
            return Conflict(text, (one.put, overtaker.put, overtaker.take))
    return None


def _empty_conflict(table: Operations, found: Elements, staying: list[tuple[int, int]]) -> Conflict | None:
    """An operation that took nothing although something was in at every moment."""
    if not found.empties:
        return None
    if not found.wild:
        cover = Cover(found.elements)
        for number in found.empties:
            if cover.next_empty(table.call[number]) >= table.ret[number]:
                return empty_conflict(table, number, cover)
        return None
    cover = Cover([one for one in found.elements if one.take != NOBODY])
    room = _Room(found.wild, staying)
    for number in found.empties:
        call, ret = table.call[number], table.ret[number]
        moments = [call, *(gap for gap in found.wild if call < gap < ret)]
        gaps = {gap for gap in map(cover.next_empty, moments) if gap < ret}
        if not gaps:
            return empty_conflict(table, number, cover)
        if not any(room.may_be_empty_at(gap) for gap in gaps):
            return Conflict(
                "{0} found nothing, and too few unfinished dequeues could have taken what was in", (number,)
            )
    return None


class _Room:
    """Whether pending dequeues can have taken all that would still be in at a gap."""

    def __init__(self, wild: list[int], staying: list[tuple[int, int]]) -> None:
        self._wild = wild
        self._in_from = sorted(since for _, since in staying)
        self._staying = sorted(staying)
        self._known: dict[int, bool] = {}

    def may_be_empty_at(self, gap: int) -> bool:
        """True when those put in before `gap` can be taken by then, and all others by their deadlines."""
        if gap not in self._known:
            self._known[gap] = self._suffices(gap)
        return self._known[gap]

    def _suffices(self, gap: int) -> bool:
        wild = self._wild
        needed = bisect_right(self._in_from, gap)
        if needed > bisect_right(wild, gap):
            return False
        for deadline, since in self._staying:
            if deadline == NEVER:
                break
            if since > gap:
                needed += 1
                if needed > bisect_right(wild, deadline):
                    return False
        # Those in before `gap` with an earlier deadline compete with each other; `_order_conflict` has checked them.
        return True
