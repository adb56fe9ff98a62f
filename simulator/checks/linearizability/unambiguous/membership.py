"""One element of a set that is never read as a whole: absent, then present, then gone.

It is present from the add to the one remove that took it away. What found it overlaps that span, and what did not has a
moment outside it. So the span is kept as short as possible: the add takes effect as late, and the remove as early,
as the others allow. If the two can take effect at one moment, every other operation fits beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict

_FIRST = -1


def tells(table: Operations, number: int) -> bool:
    """Whether an add or a remove returned whether it changed the set."""
    return (
        table.f[number] in {"add", "remove"}
        and table.ret[number] != PENDING
        and isinstance(table.result[number], bool)
        and not isinstance(table.arg[number], bool)
    )


def decide_membership(table: Operations, numbers: Sequence[int], first: frozenset[State]) -> Conflict | None:
    """None if the operations `numbers` of a set that held `first` are linearizable; each is about one element. Linear.

    Raises:
        Ambiguous: an element was added twice.
    """
    elements: dict[State, list[int]] = {}
    for number in numbers:
        elements.setdefault(frozen(table.arg[number]), []).append(number)
    ambiguous = False
    for element, some in elements.items():
        try:
            conflict = _decide(table, some, there=element in first)
        except Ambiguous:
            ambiguous = True
            continue
        if conflict is not None:
            return conflict
    if ambiguous:
        raise Ambiguous
    return None


def _decide(table: Operations, numbers: Sequence[int], *, there: bool) -> Conflict | None:
    calls, rets = table.call, table.ret
    adds, found, missed, taken, perhaps = _sorted_by_answer(table, numbers)
    if len(adds) + there > 1:
        raise Ambiguous
    if not adds and not there:
        seen = tuple(found + taken)
        return Conflict("{0} found an element that nobody added", seen[:1]) if seen else None
    if len(taken) > 1:
        return Conflict("{0} and {1} removed the same element, which was added once", (taken[0], taken[1]))
    add = _FIRST if there else adds[0]
    came, added = (_FIRST, _FIRST) if there else (calls[add], rets[add])
    # The last moment for the add, and the first for the remove; each with the operation that bounds it.
    latest, ended = min([(added, add), *((rets[one], one) for one in found + taken)])
    if latest < came:
        return Conflict("{0} ended before {1} began, and found its element", (ended, add))
    earliest, began = max([(came, add), *((calls[one], one) for one in found + taken)])
    leaving = taken or _leaving(table, perhaps, earliest)
    if not leaving:
        earliest, began = PENDING, add
    elif rets[leaving[0]] < earliest:
        return Conflict("{0} ended before {1} began, but removed the element that this found", (leaving[0], began))
    elif not taken:
        earliest, began = max((earliest, began), (calls[leaving[0]], leaving[0]))
        latest, ended = min((latest, ended), (rets[leaving[0]], leaving[0]))
    if latest >= earliest:
        return None
    for number in missed + [one for one in perhaps if one not in leaving and rets[one] != PENDING]:
        if calls[number] > latest and rets[number] < earliest:
            text = "{0} did not find what {1} added, although it was in: {2} ended before"
            if leaving:
                return Conflict(f"{text}, and {{3}} began after it", (number, add, ended, began))
            return Conflict(f"{text}, and nobody removed it", (number, add, ended))
    return None


def _sorted_by_answer(table: Operations, numbers: Sequence[int]) -> tuple[list[int], ...]:
    """The adds; what found the element, and what did not; the remove that took it; and removes that do not tell."""
    adds: list[int] = []
    found: list[int] = []
    missed: list[int] = []
    taken: list[int] = []
    perhaps: list[int] = []
    for number in numbers:
        f, result = table.f[number], table.result[number]
        if f == "contains":
            (found if result else missed).append(number)
        elif not tells(table, number):
            (adds if f == "add" else perhaps).append(number)
        elif f == "add":
            (adds if result else found).append(number)
        else:
            (taken if result else missed).append(number)
    return adds, found, missed, taken, perhaps


def _leaving(table: Operations, perhaps: Sequence[int], earliest: int) -> list[int]:
    """Of the removes that do not tell, the one that can take the element away first; it is best that it does."""
    able = [number for number in perhaps if table.ret[number] > earliest]
    return [min(able, key=table.call.__getitem__)] if able else []
