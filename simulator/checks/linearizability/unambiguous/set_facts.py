"""What is known of a set's elements and reads before an order is built.

A read has a window: its interval, narrowed by what it shows (after the calls of these adds, before the returns of
their removes) and by what it misses (before an element that cannot have gone again by its end, after one that had come
before its beginning). An element has two bounds: the moment by which it must have come, and the one before which it
cannot have gone. Each is narrowed by the other, for a number of rounds: more rounds find more, and take longer.

Elements are numbered from 0, so that what is known of them stands in lists.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict

NOBODY = -1
"""Stands for the add of an element that the set held at first, or that was never added."""

_HALF = 0.5
"""Bounds lie between events: a little after a call, a little before a return."""

_PLAIN = {int, str}


@dataclass(slots=True)
class SetFacts:
    """The operations by what they do. `low` and `high` hold the window of each read, by its number.

    By element: `add`, `removes`, the reads that show it (`shown_in`, in order of return), the moment by which it must
    have come (`here_by`), and the one before which it cannot have gone (`here_until`).
    """

    calls: Sequence[int]
    rets: Sequence[int]
    first: range
    add: list[int]
    removes: list[list[int]] = field(default_factory=list)
    removed: dict[int, int] = field(default_factory=dict)
    shown: dict[int, frozenset[int]] = field(default_factory=dict)
    shown_in: list[list[int]] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    here_by: list[float] = field(default_factory=list)
    here_until: list[float] = field(default_factory=list)
    last: int = NOBODY
    """The read that begins last."""

    def moments(self) -> list[tuple[float, int, int]]:
        """All calls (0) and returns (1) that matter, in order, with their operations."""
        calls, rets, size = self.calls, self.rets, len(self.calls)
        # One number each: a moment in halves of an event, then the kind, then the operation. So they sort fast.
        codes = [(int(4 * self.low[number])) * size + number for number in self.shown]
        codes += [(int(4 * self.high[number]) + 1) * size + number for number in self.shown]
        codes += [4 * calls[number] * size + number for number in self.removed]
        ending = [*self.removed, *(number for number in self.add if number != NOBODY)]
        codes += [(4 * rets[number] + 1) * size + number for number in ending if rets[number] != PENDING]
        codes.sort()
        return [((code // size >> 1) / 2, code // size & 1, code % size) for code in codes]

    def removable(self, element: int, moment: float) -> bool:
        """Whether a remove that may have found the element was called by then."""
        since = -1 if self.add[element] == NOBODY else self.calls[self.add[element]]
        return any(self.calls[number] < moment and self.rets[number] > since for number in self.removes[element])

    def narrow(self, rounds: int) -> None:
        """Narrow windows and bounds by each other."""
        for _ in range(rounds):
            changed = _narrow(self)
            if not changed:
                return
            _tighten(self, changed)


def read_set_facts(table: Operations, numbers: Sequence[int], first: frozenset[State]) -> SetFacts | Conflict:
    """The facts of the operations `numbers` of a set that held `first`, or what no order can explain.

    Raises:
        Ambiguous: an element was added twice.
    """
    fs, args = table.f, table.arg
    names: dict[State, int] = {element: at for at, element in enumerate(first)}
    facts = SetFacts(table.call, table.ret, range(len(names)), [NOBODY] * len(names))
    for number in numbers:
        if fs[number] == "add":
            if names.setdefault(frozen(args[number]), len(facts.add)) != len(facts.add):
                raise Ambiguous
            facts.add.append(number)
    conflict = _read_shown(facts, table, numbers, names)
    if conflict is not None:
        return conflict
    for number in numbers:
        if fs[number] == "remove":
            element = facts.removed[number] = names.setdefault(frozen(args[number]), len(facts.removes))
            if element == len(facts.removes):  # Nobody added it.
                facts.add.append(NOBODY)
                facts.removes.append([])
                facts.shown_in.append([])
            facts.removes[element].append(number)
    facts.low, facts.high = list(map(float, facts.calls)), list(map(float, facts.rets))
    _find_windows(facts)
    return facts


def _read_shown(facts: SetFacts, table: Operations, numbers: Sequence[int], names: dict[State, int]) -> Conflict | None:
    """Read what the reads show, or say which shows what cannot be."""
    name_of, results, fs = names.__getitem__, table.result, table.f
    facts.removes = [[] for _ in facts.add]
    facts.shown_in = [[] for _ in facts.add]
    shown_in = facts.shown_in
    for number in sorted((number for number in numbers if fs[number] == "read"), key=table.ret.__getitem__):
        values = results[number]
        plain = values if _PLAIN.issuperset(map(type, values)) else map(frozen, values)
        try:
            elements = frozenset(map(name_of, plain))
        except KeyError:
            return Conflict("{0} shows an element that nobody added", (number,))
        if len(elements) != len(values):
            return Conflict("{0} shows an element twice", (number,))
        facts.shown[number] = elements
        for element in elements:
            shown_in[element].append(number)
    return None


def frozen_set(values: Sequence[State]) -> frozenset[State]:
    """The elements that a read shows."""
    return frozenset(values if _PLAIN.issuperset(map(type, values)) else map(frozen, values))


def _find_windows(facts: SetFacts) -> None:
    """The windows by what reads show, and the bounds of the elements."""
    low, high, calls, rets = facts.low, facts.high, facts.calls, facts.rets
    for read, shown in facts.shown.items():
        if shown:
            newest = facts.add[max(shown)]  # Elements are numbered in the order in which their adds were called.
            if newest != NOBODY and calls[newest] > low[read]:
                low[read] = calls[newest] + _HALF
    facts.last = max(facts.shown, key=low.__getitem__, default=NOBODY)
    for element, reads in enumerate(facts.shown_in):
        until = _bound(facts, element)
        for read in reversed(reads):
            if rets[read] < until:
                break
            if until < high[read]:  # noqa: PLR1730  # A call of min would take twice as long.
                high[read] = until
    _tighten(facts, facts.shown)


def _bound(facts: SetFacts, element: int) -> float:
    """Find the bounds of an element without its reads; returns when it has gone, or `PENDING` if it may stay."""
    calls, rets, number = facts.calls, facts.rets, facts.add[element]
    called, ended = (-1, -1) if number == NOBODY else (calls[number], rets[number])
    if number == NOBODY and element not in facts.first:
        facts.here_by.append(PENDING)
        facts.here_until.append(-1)
        return PENDING
    facts.here_by.append(ended)
    removes = [one for one in facts.removes[element] if rets[one] > called]
    facts.here_until.append(min(map(calls.__getitem__, removes), default=PENDING))
    surely = [rets[one] for one in removes if calls[one] > ended]
    if surely:
        return min(surely) - _HALF
    reads, last = facts.shown_in[element], facts.last
    if not removes or not reads or element in facts.shown[last]:
        return PENDING
    # The last read misses it. If it was there before that began, one of them took it.
    there = min(ended, *map(rets.__getitem__, reads)) < facts.low[last]
    return max(map(rets.__getitem__, removes)) - _HALF if there else PENDING


def _tighten(facts: SetFacts, reads: Collection[int]) -> None:
    """Bound the elements by the windows of these reads.

    For each element the read that ends first counts, and the one that begins last. So in this order of the reads
    only elements that no read before showed have to be looked at.
    """
    low, high, by, until = facts.low, facts.high, facts.here_by, facts.here_until
    met: set[int] = set()
    for read in sorted(reads, key=high.__getitem__):
        new = facts.shown[read] - met
        if new:
            met |= new
            moment = high[read]
            for one in new:
                if moment < by[one]:  # noqa: PLR1730  # Calls of min and max would take twice as long.
                    by[one] = moment
    met = set()
    for read in sorted(reads, key=low.__getitem__, reverse=True):
        new = facts.shown[read] - met
        if new:
            met |= new
            moment = low[read]
            for one in new:
                if moment > until[one]:  # noqa: PLR1730
                    until[one] = moment


def _narrow(facts: SetFacts) -> list[int]:
    """Narrow the windows of reads by the elements that they miss. Returns the reads whose window has changed."""
    by, until = facts.here_by, facts.here_until
    coming, going = sorted(range(len(by)), key=by.__getitem__), sorted(range(len(by)), key=until.__getitem__)
    comes_at, goes_at = sorted(by), sorted(until)
    changed: list[int] = []
    for read, shown in facts.shown.items():
        low, high = facts.low[read], facts.high[read]
        for at in range(bisect_right(comes_at, low), bisect_left(comes_at, high)):
            element = coming[at]
            if until[element] > high and element not in shown:
                facts.high[read] = _between(comes_at[at], -_HALF)
                changed.append(read)
                break
        for at in range(bisect_left(goes_at, high) - 1, bisect_right(goes_at, low) - 1, -1):
            element = going[at]
            if by[element] < low and element not in shown:
                facts.low[read] = _between(goes_at[at], _HALF)
                changed.append(read)
                break
    return changed


def _between(moment: float, half: float) -> float:
    """The gap beside an event; a moment between events stays."""
    return moment + half if moment == int(moment) else moment
