"""A stack whose elements are distinct: taken apart from the outside.

From the return of its push to the call of its pop an element is certainly in. Elements without such a span can be
pushed and popped at one moment, at any depth, and are left out. For a set of elements:

* One whose push may come before all that ends first in the set, and whose pop may come after all that begins last, may
lie below all others. It can be taken away: the set is linearizable if and only if the rest is.
* At a gap that no span covers, the stack may be empty. The elements before the gap and those after it are two sets; the
whole is linearizable if and only if both are.
* If neither is possible, no order exists.

Both steps keep the answer, so they are taken in any order (compare Lee & Mathur, OOPSLA 2025, and Abdulla et al., arXiv
2509.17795). A split looks for the gap from both ends at once and copies the smaller side, which bounds the whole work
by n log n steps on heaps. An operation that found nothing needs a gap that no span covers.

Pending pops are in `wild.py`.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from simulator.checks.linearizability.model import State
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Conflict
from simulator.checks.linearizability.unambiguous.elements import (
    NOBODY,
    Cover,
    Element,
    Elements,
    elements_of,
    empty_conflict,
)
from simulator.checks.linearizability.unambiguous.wild import SuffixMinimum, decide_with_wild


def decide_stack(table: Operations, numbers: Sequence[int], first: Sequence[State]) -> Conflict | None:
    """None if the operations `numbers` of a stack are linearizable. O(n log^2 n) at worst.

    `first` are the elements that it held, in the order in which they were pushed.

    Raises:
        Ambiguous: an element was pushed twice, or a pending pop leaves a choice.
    """
    found = elements_of(table, numbers, "pop", first)
    if isinstance(found, Conflict):
        return found
    return decide_with_wild(found, lambda elements: _decide(table, found, elements), lambda: _deadlines(table, found))


def _deadlines(table: Operations, found: Elements) -> list[tuple[int, Element]]:
    """Each element that stays: it must go before one that lies below it does, and before the stack is found empty."""
    gone = SuffixMinimum([one.take_call for one in found.elements] + [table.call[number] for number in found.empties])
    for number in found.empties:
        gone.add(table.call[number], table.ret[number])
    below = sorted((one for one in found.elements if one.take != NOBODY), key=lambda one: -one.put_ret)
    deadlines: list[tuple[int, Element]] = []
    for one in sorted(one for one in found.elements if one.take == NOBODY):
        while below and below[-1].put_ret < one.put_call:
            other = below.pop()
            gone.add(other.take_call, other.take_ret)
        deadlines.append((gone.after(one.put_ret), one))
    return deadlines


def _decide(table: Operations, found: Elements, elements: Sequence[Element]) -> Conflict | None:
    if found.empties:
        cover = Cover(elements)
        for number in found.empties:
            if cover.next_empty(table.call[number]) >= table.ret[number]:
                return empty_conflict(table, number, cover)
    spans = _Spans([one for one in elements if one.put_ret < one.take_call])
    pieces = [_Piece(spans, range(len(spans.elements)))]
    while pieces:
        piece = pieces.pop()
        piece.peel()
        if piece.size:
            smaller = piece.split()
            if smaller is None:
                return _explain(piece.members())
            pieces += (piece, smaller)
    return None


_GONE = -1
"""Stands for the end of a list, and for the piece of an element that was taken away."""


class _Spans:
    """The elements, and what all pieces share: two linked lists of the elements of each piece, and whose piece each is.

    One list has them in the order in which their spans start; the other begins with the span that ends last.
    """

    def __init__(self, elements: list[Element]) -> None:
        self.elements = elements
        many = len(elements)
        self.piece = [_GONE] * many
        self.pieces = 0
        self.after_start, self.before_start = [_GONE] * many, [_GONE] * many
        self.after_end, self.before_end = [_GONE] * many, [_GONE] * many


class _Piece:
    """A set of elements that is still to be taken apart."""

    def __init__(self, spans: _Spans, members: Sequence[int]) -> None:
        self._spans = spans
        self._name = spans.pieces
        spans.pieces += 1
        self.size = len(members)
        elements = spans.elements
        for one in members:
            spans.piece[one] = self._name
        by_start = sorted(members, key=lambda one: elements[one].put_ret)
        by_end = sorted(members, key=lambda one: -elements[one].take_call)
        self._first_start = _link(by_start, spans.after_start, spans.before_start)
        self._first_end = _link(by_end, spans.after_end, spans.before_end)
        self._by_push = sorted(members, key=lambda one: -elements[one].put_call)  # The earliest is last.
        self._bottoms: list[tuple[int, int]] = []

    def members(self) -> list[Element]:
        """Its elements."""
        elements, piece = self._spans.elements, self._spans.piece
        return [one for one, name in zip(elements, piece, strict=True) if name == self._name]

    def peel(self) -> None:
        """Take away every element that may lie below all others."""
        elements, piece = self._spans.elements, self._spans.piece
        bottoms, by_push, name = self._bottoms, self._by_push, self._name
        while self.size:
            start = elements[self._first_start].put_ret
            end = elements[self._first_end].take_call
            while by_push and elements[by_push[-1]].put_call < start:
                one = by_push.pop()
                if piece[one] == name:
                    heapq.heappush(bottoms, (-elements[one].take_ret, one))
            while bottoms and piece[bottoms[0][1]] != name:
                heapq.heappop(bottoms)
            if not bottoms or -bottoms[0][0] <= end:
                return
            self._remove(heapq.heappop(bottoms)[1])

    def split(self) -> _Piece | None:
        """Take away the smaller side of a gap that no span covers, as a piece; None if there is no such gap."""
        spans = self._spans
        elements, after_start, after_end = spans.elements, spans.after_start, spans.after_end
        low, high = self._first_start, self._first_end
        below, above = [low], [high]
        covered, uncovered = elements[low].take_call, elements[high].put_ret
        while (low := after_start[low]) != _GONE:
            high = after_end[high]
            if elements[low].put_ret > covered:
                return self._part(below)
            if elements[high].take_call < uncovered:
                return self._part(above)
            below.append(low)
            above.append(high)
            covered = max(covered, elements[low].take_call)
            uncovered = min(uncovered, elements[high].put_ret)
        return None

    def _part(self, members: list[int]) -> _Piece:
        for one in members:
            self._remove(one)
        return _Piece(self._spans, members)

    def _remove(self, one: int) -> None:
        spans = self._spans
        spans.piece[one] = _GONE
        self._first_start = _unlink(one, self._first_start, spans.after_start, spans.before_start)
        self._first_end = _unlink(one, self._first_end, spans.after_end, spans.before_end)
        self.size -= 1


def _link(order: list[int], after: list[int], before: list[int]) -> int:
    """Link the elements in this order; the first of them."""
    previous = _GONE
    for one in order:
        before[one] = previous
        if previous != _GONE:
            after[previous] = one
        previous = one
    if previous != _GONE:
        after[previous] = _GONE
    return order[0] if order else _GONE


def _unlink(one: int, first: int, after: list[int], before: list[int]) -> int:
    """Take an element out of a list; the first that is left."""
    previous, following = before[one], after[one]
    if following != _GONE:
        before[following] = previous
    if previous == _GONE:
        return following
    after[previous] = following
    return first


def _explain(members: list[Element]) -> Conflict:
    """Two elements that cross, or a set none of which may lie lowest."""
    by_push = sorted(members)
    highest: Element | None = None
    pushed: list[Element] = sorted(members, key=lambda one: one.put_ret)
    at = 0
    for above in by_push:
        # Of those whose push ended before this one began, the one whose pop ended first.
        while at < len(pushed) and pushed[at].put_ret < above.put_call:
            if highest is None or pushed[at].take_ret < highest.take_ret:
                highest = pushed[at]
            at += 1
        if highest is not None and above.put_call < highest.take_call and highest.take_ret < above.take_call:
            if above.take == NOBODY:
                text = (
                    "{0} ended before {1} began, and {2} took the lower element although the upper one was never taken"
                )
                return Conflict(text, (highest.put, above.put, highest.take))
            text = (
                "{0} ended before {1} began, and {2}, which took the lower element, ended before {3} took the upper one"
            )
            return Conflict(text, (highest.put, above.put, highest.take, above.take))
    first = min(members, key=lambda one: one.put_ret)
    last = max(members, key=lambda one: one.take_call)
    text = (
        f"of {len(members)} elements, which were in at overlapping times, none can lie below all others: "
        "its push would have to begin before {0} ended, and its pop to end after {1} began"
    )
    return Conflict(text, (first.put, last.take if last.take != NOBODY else last.put))
