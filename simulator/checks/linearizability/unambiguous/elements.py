"""The elements of a queue, stack or priority queue: when each was put in, and when it was taken out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict

NEVER = PENDING
"""The call of the taking of an element that stays; its return is one later."""


class Element(NamedTuple):
    """Positions of the events of one element, and the two operations. `take` is `NOBODY` for one that stays."""

    put_call: int
    put_ret: int
    take_call: int
    take_ret: int
    put: int
    take: int
    value: State


NOBODY = -(10**9)


@dataclass(slots=True)
class Elements:
    """All elements. `empties` took nothing; `wild` are the calls of pending takings, in order: each may take any one.

    A pending put whose element nobody took is left out: it can be left out of every order.
    """

    elements: list[Element] = field(default_factory=list)
    empties: list[int] = field(default_factory=list)
    wild: list[int] = field(default_factory=list)


def elements_of(table: Operations, numbers: Sequence[int], taking: str, first: Sequence[State]) -> Elements | Conflict:
    """Match the operations of a container that held `first` at the start, in the order in which they were put in.

    Raises:
        Ambiguous: an element was put in twice.
    """
    puts = _puts(table, numbers, taking, first)
    found = Elements()
    takes: dict[State, int] = {}
    for number in numbers:
        if table.f[number] != taking:
            continue
        if table.ret[number] == PENDING:
            found.wild.append(table.call[number])
        elif table.result[number] is None:
            found.empties.append(number)
        else:
            other = takes.setdefault(frozen(table.result[number]), number)
            if other != number:
                return Conflict("{0} and {1} took the same element, which was put in once", (other, number))
    return _take_conflict(table, puts, takes) or _matched(table, puts, takes, found)


def _puts(table: Operations, numbers: Sequence[int], taking: str, first: Sequence[State]) -> dict[State, int]:
    """The operation that put in each element; those of the start have negative numbers, in their order."""
    puts: dict[State, int] = {value: at - len(first) for at, value in enumerate(first)}
    expected = len(first)
    for number in numbers:
        if table.f[number] != taking:
            puts[frozen(table.arg[number])] = number
            expected += 1
    if len(puts) != expected:
        raise Ambiguous
    return puts


def _take_conflict(table: Operations, puts: dict[State, int], takes: dict[State, int]) -> Conflict | None:
    for value, take in takes.items():
        put = puts.get(value)
        if put is None:
            return Conflict("{0} took an element that nobody put in", (take,))
        if put >= 0 and table.ret[take] < table.call[put]:
            return Conflict("{0} ended before {1} began, and took its element", (take, put))
    return None


def _matched(table: Operations, puts: dict[State, int], takes: dict[State, int], found: Elements) -> Elements:
    calls, rets = table.call, table.ret
    for value, put in puts.items():
        call, ret = (2 * put, 2 * put + 1) if put < 0 else (calls[put], rets[put])
        taken = takes.get(value)
        if taken is not None:
            found.elements.append(Element(call, ret, calls[taken], rets[taken], put, taken, value))
        elif ret != PENDING:
            found.elements.append(Element(call, ret, NEVER, NEVER + 1, put, NOBODY, value))
    return found


class Cover:
    """The moments at which some element was certainly in: from the return of its put to the call of its taking.

    Moments are gaps between events: gap p lies between the events p and p + 1.
    """

    def __init__(self, elements: Sequence[Element]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._elements = sorted((one for one in elements if one.put_ret < one.take_call), key=lambda one: one.put_ret)
        for one in self._elements:
            if self._ends and one.put_ret < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], one.take_call)
            else:
                self._starts.append(one.put_ret)
                self._ends.append(one.take_call)

    def next_empty(self, gap: int) -> int:
        """The first gap from `gap` on at which the container may be empty."""
        at = bisect_right(self._starts, gap) - 1
        return max(gap, self._ends[at]) if at >= 0 else gap

    def chain(self, call: int, ret: int) -> list[Element]:
        """Elements of which one or the other was in at every moment from `call` to `ret`."""
        found: list[Element] = []
        gap = call
        while gap < ret:
            longest = max(
                (one for one in self._elements if one.put_ret <= gap < one.take_call), key=lambda one: one.take_call
            )
            found.append(longest)
            gap = longest.take_call
        return found


def empty_conflict(table: Operations, number: int, cover: Cover) -> Conflict:
    """The contradiction of an operation that took nothing although something was always in."""
    chain = cover.chain(table.call[number], table.ret[number])
    if len(chain) == 1:
        [one] = chain
        text = "{0} found nothing, but what {1} had put in was there all the time"
        return Conflict(text, (number, one.put))
    shown = chain[:4]
    texts = ", ".join(f"{{{at}}}" for at in range(1, len(shown) + 1))
    more = f" and {len(chain) - 4} more" if len(chain) > 4 else ""
    text = f"{{0}} found nothing, but at every moment an element was in: one after the other those of {texts}{more}"
    return Conflict(text, (number, *(one.put for one in shown)))
