"""What is known of a set's elements and reads before an order is built.

A read has a window: its interval, narrowed by what it shows (after the calls of these adds, before the returns of
their removes) and by what it misses (before an element that cannot have gone again by its end, after one that had come
before its beginning). An element has two bounds: the moment by which it must have come, and the one before which it
cannot have gone. Each is narrowed by the other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous

NOBODY = -1
"""Stands for the add of an element that the set held at first."""

_HALF = 0.5
"""Bounds lie between events: a little after a call, a little before a return."""

_ROUNDS = 2
_PLAIN = {int, str}


@dataclass(slots=True)
class SetFacts:
    """The operations by what they do. `low` and `high` hold the window of each read, by its number.

    `here_by` is for each element the moment by which it must have come, and `here_until` the one before which it cannot
    have gone.
    """

    calls: Sequence[int]
    rets: Sequence[int]
    first: frozenset[State]
    add: dict[State, int] = field(default_factory=dict)
    removes: dict[State, list[int]] = field(default_factory=dict)
    removed: dict[int, State] = field(default_factory=dict)
    shown: dict[int, frozenset[State]] = field(default_factory=dict)
    shown_in: dict[State, list[int]] = field(default_factory=dict)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    here_by: dict[State, float] = field(default_factory=dict)
    here_until: dict[State, float] = field(default_factory=dict)

    def moments(self) -> list[tuple[float, int, int]]:
        """All calls (0) and returns (1) that matter, in order, with their operations."""
        calls, rets = self.calls, self.rets
        found: list[tuple[float, int, int]] = [(self.low[number], 0, number) for number in self.shown]
        found += [(self.high[number], 1, number) for number in self.shown]
        found += [(calls[number], 0, number) for number in self.removed]
        ending = [*self.removed, *(number for number in self.add.values() if number != NOBODY)]
        found += [(rets[number], 1, number) for number in ending if rets[number] != PENDING]
        found.sort()
        return found

    def removable(self, element: State, moment: float) -> bool:
        """Whether a remove that may have found the element was called by then."""
        since = -1 if self.add[element] == NOBODY else self.calls[self.add[element]]
        removes = self.removes.get(element, ())
        return any(self.calls[number] < moment and self.rets[number] > since for number in removes)


def read_set_facts(table: Operations, numbers: Sequence[int], first: frozenset[State]) -> SetFacts:
    """The facts of the operations `numbers` of a set that held `first`. Elements that nobody added have no bounds.

    Raises:
        Ambiguous: an element was added twice.
    """
    facts = SetFacts(table.call, table.ret, first, dict.fromkeys(first, NOBODY))
    add, removes, removed, shown_in = facts.add, facts.removes, facts.removed, facts.shown_in
    for number in numbers:
        f = table.f[number]
        if f == "read":
            facts.shown[number] = elements = frozen_set(table.result[number])
            for element in elements:
                if element in shown_in:
                    shown_in[element].append(number)
                else:
                    shown_in[element] = [number]
            continue
        element = frozen(table.arg[number])
        if f == "remove":
            removed[number] = element
            removes.setdefault(element, []).append(number)
        elif add.setdefault(element, number) != number:
            raise Ambiguous
    facts.low, facts.high = list(map(float, facts.calls)), list(map(float, facts.rets))
    if shown_in.keys() <= add.keys():
        _find_windows(facts)
    return facts


def frozen_set(values: Sequence[State]) -> frozenset[State]:
    """The elements that a read shows."""
    return frozenset(values if _PLAIN.issuperset(map(type, values)) else map(frozen, values))


def _find_windows(facts: SetFacts) -> None:
    low, high = facts.low, facts.high
    calls = facts.calls
    since = {element: -1.0 if number == NOBODY else calls[number] + _HALF for element, number in facts.add.items()}
    for read, shown in facts.shown.items():
        if shown:
            low[read] = max(low[read], *map(since.__getitem__, shown))
    _find_bounds(facts)
    until = _gone_by(facts)
    changed: list[int] = []
    for read, shown in facts.shown.items():
        if shown:
            gone = min(map(until.__getitem__, shown))
            if gone < high[read]:
                high[read] = gone
                changed.append(read)
    for _ in range(_ROUNDS):
        _tighten(facts, changed)
        changed = _narrow(facts)
    _tighten(facts, changed)


def _find_bounds(facts: SetFacts) -> None:
    calls, rets = facts.calls, facts.rets
    low, high = facts.low.__getitem__, facts.high.__getitem__
    for element, number in facts.add.items():
        by, since = (-1, -1) if number == NOBODY else (rets[number], calls[number])
        removes = facts.removes.get(element)
        until = min((calls[one] for one in removes if rets[one] > since), default=PENDING) if removes else PENDING
        reads = facts.shown_in.get(element)
        facts.here_by[element] = min(by, *map(high, reads)) if reads else by
        facts.here_until[element] = max(until, *map(low, reads)) if reads else until


def _tighten(facts: SetFacts, reads: Iterable[int]) -> None:
    """Bound the elements by reads whose windows have become smaller."""
    by, until = facts.here_by, facts.here_until
    for read in reads:
        low, high = facts.low[read], facts.high[read]
        for one in facts.shown[read]:
            if high < by[one]:  # noqa: PLR1730  # Calls of min and max would take twice as long.
                by[one] = high
            if low > until[one]:  # noqa: PLR1730
                until[one] = low


def _gone_by(facts: SetFacts) -> dict[State, float]:
    """For each element that is shown the moment by which it has gone; `PENDING` if it may stay."""
    calls, rets = facts.calls, facts.rets
    last = max(facts.shown, key=facts.low.__getitem__, default=NOBODY)
    gone: dict[State, float] = {}
    for element in facts.shown_in:
        add = facts.add[element]
        called, ended = (-1, -1) if add == NOBODY else (calls[add], rets[add])
        removes = [number for number in facts.removes.get(element, ()) if rets[number] > called]
        surely = [rets[number] for number in removes if calls[number] > ended]
        if not surely and removes and element not in facts.shown[last] and facts.here_by[element] < facts.low[last]:
            surely = [max(rets[number] for number in removes)]  # The last read misses it, so one of them took it.
        gone[element] = min(surely) - _HALF if surely else PENDING
    return gone


def _narrow(facts: SetFacts) -> list[int]:
    """Narrow the windows of reads by the elements that they miss. Returns the reads whose window has changed."""
    by, until = facts.here_by, facts.here_until
    coming, going = sorted(by, key=by.__getitem__), sorted(until, key=until.__getitem__)
    comes_at, goes_at = [by[element] for element in coming], [until[element] for element in going]
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
