"""The zones of Gibbons & Korach (Testing Shared Memories, 1997, section 4): values of one register exclude each other.

The *cluster* of a value is its write and all reads of it. In every order a cluster is contiguous. From the first return
in it (`first_ret`) to the last call in it (`last_call`) the register must hold the value, if the return comes first:
the zone is a *forward* one. Otherwise all operations of the cluster overlap, and one point between the last call and
the first return is enough: the zone is a *backward* one. An order exists if and only if no two forward zones overlap
and no backward zone lies inside a forward one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import NamedTuple

from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Conflict

FIRST = -1
"""Stands for the write of the first value, which ended before all operations began."""


class Zone(NamedTuple):
    """One cluster: the positions that bound it, and the operations that they belong to."""

    first_ret: int
    last_call: int
    ended_first: int
    called_last: int


def zone_conflict(zones: Iterable[Zone]) -> Conflict | None:
    """The contradiction between two zones, if there is one. O(n log n)."""
    forward: list[Zone] = []
    backward: list[Zone] = []
    for zone in zones:
        (forward if zone[0] < zone[1] else backward).append(zone)
    forward.sort()
    for before, after in pairwise(forward):
        if after[0] < before[1]:
            return _explain(before, after)
    starts = [zone[0] for zone in forward]
    for zone in backward:
        around = bisect_left(starts, zone[1]) - 1
        if around >= 0 and zone[0] < forward[around][1]:
            return _explain(forward[around], zone)
    return None


def _explain(one: Zone, other: Zone) -> Conflict:
    text = (
        "{0} was there before the value of {1}; {2} ended before {3} began, so it was there after it too"
        if one.ended_first == FIRST
        else "{0} ended before {1} began, so the value of the first was there before that of the second; "
        "{2} ended before {3} began, so it was there after it too"
    )
    return Conflict(text, (one.ended_first, other.called_last, other.ended_first, one.called_last))


def zone_of(table: Operations, numbers: Collection[int], *, from_start: bool) -> Zone:
    """The zone of a cluster. `from_start`: the object held its value at the start, so its write ended before all."""
    ended_first = min(numbers, key=table.ret.__getitem__)
    called_last = max(numbers, key=table.call.__getitem__)
    if from_start:
        return Zone(-1, table.call[called_last], FIRST, called_last)
    return Zone(table.ret[ended_first], table.call[called_last], ended_first, called_last)
