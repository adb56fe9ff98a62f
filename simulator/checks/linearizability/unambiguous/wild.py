"""Pending takings of a stack or priority queue: each may have taken any one element that nobody is known to have taken.

Which element each of them took is a choice, and no rule is known here that always finds the right one. So: without
pending takings, if an order exists then; else with each element taken by the first of them, if no order exists even so;
else with choices that are likely. An element that must be gone by some moment has a deadline, and the one with the
earliest deadline gets the pending taking that was called first. If that cannot keep all deadlines, no order exists. If
none of the choices gives an order, elements that stand in the way get a deadline, one after the other, as long as that
leads further (`blamed`). At last a search has to decide.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.elements import NEVER, NOBODY, Element, Elements

Decide = Callable[[list[Element]], Conflict | None]
Deadlines = Callable[[], list[tuple[int, Element]]]
Blamed = Callable[[], list[tuple[int, int]]]

_MOST_REPAIRS = 60


def decide_with_wild(
    found: Elements, decide: Decide, deadlines: Deadlines, blamed: Blamed | None = None
) -> Conflict | None:
    """Decide with pending takings. `deadlines` gives each element that stays with the event before which it must go.

    `blamed` gives the elements that stood in the way of the last decision, by their puts, and by when they should go.

    Raises:
        Ambiguous: none of the choices that were tried gives an order, and one that was not may.
    """
    conflict = decide(found.elements)
    if conflict is None or not found.wild:
        return conflict
    conflict = decide([_taken_from(one, found.wild[0]) for one in found.elements])
    if conflict is not None:
        return conflict
    urgent = sorted(deadline for deadline in deadlines() if deadline[0] < NEVER)
    for used, (deadline, one) in enumerate(urgent):
        if used == len(found.wild) or found.wild[used] >= deadline:
            text = "what {0} put in must have been taken before other operations ended, and nobody could have taken it"
            return Conflict(text, (one.put,))
    for choice in _choices(found.wild, urgent):
        if decide([_taken_from(one, choice.get(one, NEVER)) for one in found.elements]) is None:
            return None
    if blamed is not None and _is_repaired(found, decide, urgent, blamed):
        return None
    raise Ambiguous


def _is_repaired(found: Elements, decide: Decide, urgent: list[tuple[int, Element]], blamed: Blamed) -> bool:
    """Whether an order exists when elements that stand in the way are taken, too, as early as they must be."""
    staying = {one.put: one for one in found.elements if one.take == NOBODY}
    due = {one.put: deadline for deadline, one in urgent}
    for _ in range(_MOST_REPAIRS):
        order = sorted((deadline, put) for put, deadline in due.items())
        late = any(call >= deadline for call, (deadline, _) in zip(found.wild, order, strict=False))
        if late or len(order) > len(found.wild):
            return False
        calls = {put: call for call, (_, put) in zip(found.wild, order, strict=False)}
        if decide([_taken_from(one, calls.get(one.put, NEVER)) for one in found.elements]) is None:
            return True
        better = ((put, by) for put, by in blamed() if put in staying and by < due.get(put, NEVER))
        put, by = next(better, (NOBODY, NEVER))
        if put == NOBODY:
            return False
        due[put] = by
    return False


def _taken_from(one: Element, call: int) -> Element:
    return one if one.take != NOBODY or call == NEVER else one._replace(take_call=call)


def _choices(wild: list[int], urgent: list[tuple[int, Element]]) -> Iterator[dict[Element, int]]:
    yield {one: call for call, (_, one) in zip(wild, urgent, strict=False)}
    left = list(wild)
    latest: dict[Element, int] = {}
    for deadline, one in sorted(urgent, key=lambda entry: -entry[1].put_call):
        # The last that was called before the element could be in: it was pushed above all that came earlier.
        at = bisect_right(left, min(deadline - 1, one.put_ret)) - 1
        if at < 0:
            at = bisect_right(left, deadline - 1) - 1 if left and left[0] < deadline else -1
        if at < 0:
            return
        latest[one] = left.pop(at)
    yield latest


class SuffixMinimum:
    """The least value among those added at positions after a given one: a Fenwick tree over known positions."""

    def __init__(self, positions: Iterable[int]) -> None:
        self._positions = sorted(set(positions))
        self._tree = [NEVER] * (len(self._positions) + 1)

    def add(self, position: int, value: int) -> None:
        """Add a value at one of the known positions."""
        at = len(self._positions) - bisect_right(self._positions, position) + 1
        while at < len(self._tree):
            self._tree[at] = min(self._tree[at], value)
            at += at & -at

    def after(self, position: int) -> int:
        """The least value at a position greater than `position`; `NEVER` if there is none."""
        at = len(self._positions) - bisect_right(self._positions, position)
        least = NEVER
        while at > 0:
            least = min(least, self._tree[at])
            at -= at & -at
        return least
