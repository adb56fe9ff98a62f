"""Makes a failing plan small: fewest faults, fewest operations, fewest nodes, while the same invariant stays broken.

Delta debugging (Zeller & Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, 2002) over the plan's faults
and calls, and then simpler settings. Every candidate is run whole, so what is left fails by itself; the number of runs
is bounded, so what is left may not be the least.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from simulator.errors import InputError
from simulator.faults.faults import Fault, Partition
from simulator.tools.explore.schedule import Call, Schedule, ScheduledFault
from simulator.tools.explore.trial import Outcome, run_trial

MOST_RUNS = 600

Item = TypeVar("Item")


class Shrunk(msgspec.Struct, frozen=True):
    """The small plan, what came of it, and in how many runs it was found."""

    schedule: Schedule
    outcome: Outcome
    runs: int


class _Out(Exception):
    """No runs are left."""


class _Shrinker:
    def __init__(self, schedule: Schedule, outcome: Outcome, invariant: str, most_runs: int) -> None:
        self.best = schedule
        self.outcome = outcome
        self.runs = 0
        self._invariant = invariant
        self._most_runs = most_runs

    def try_plan(self, schedule: Schedule) -> bool:
        """Keep `schedule` if it breaks the invariant too."""
        if self.runs >= self._most_runs:
            raise _Out
        self.runs += 1
        try:
            outcome = run_trial(schedule)
        except InputError:  # A fault names a node that there is no more.
            return False
        if all(found.invariant != self._invariant for found in outcome.violations):
            return False
        self.best, self.outcome = schedule, outcome
        return True

    def change(self, **changes: object) -> bool:
        """Try the best plan with these fields changed."""
        schedule: Schedule = msgspec.structs.replace(self.best, **changes)
        return schedule != self.best and self.try_plan(schedule)

    def change_settings(self, **changes: object) -> bool:
        """Try the best plan with these settings changed."""
        return self.change(settings=msgspec.structs.replace(self.best.settings, **changes))

    def fewest(self, items: Sequence[Item], keep: Callable[[tuple[Item, ...]], bool]) -> None:
        """Delta debugging: leave out ever smaller parts of `items`, as long as `keep` says that the rest fails."""
        left = tuple(items)
        if not left or keep(()):
            return
        parts = 2
        while len(left) >= 2:
            size = -(-len(left) // parts)
            for start in range(0, len(left), size):
                rest = left[:start] + left[start + size :]
                if rest and keep(rest):
                    left, parts = rest, max(parts - 1, 2)
                    break
            else:
                if size == 1:
                    return
                parts = min(len(left), 2 * parts)

    def all_of_it(self) -> None:
        """Round after round, until nothing gets smaller."""
        self.cut_what_came_later()
        before = None
        while before != (before := self._size()):
            self.fewest(self.best.faults, lambda rest: self.change(faults=rest))
            self.fewest(self.best.calls, lambda rest: self.change(calls=rest))
            self.fewest(self.best.permanent, lambda rest: self.change(permanent=rest))
            self.fewer_nodes()
            self.cut_what_came_later()
        for simpler in ({"difficulty": 0}, {"ops_per_block": 1}, {"window": 256}):
            self.change_settings(**simpler)

    def cut_what_came_later(self) -> None:
        """What happened after the violation has not caused it; without it the faults end sooner."""
        last_ms = min(found.at_ms for found in self.outcome.violations if found.invariant == self._invariant)
        if last_ms < self.best.heals_ms:
            faults = tuple(scheduled for scheduled in self.best.faults if scheduled.at_ms <= last_ms)
            calls = tuple(call for call in self.best.calls if call.at_ms <= last_ms)
            self.change(faults=faults, calls=calls, heals_ms=last_ms + 1, permanent=())

    def fewer_nodes(self) -> None:
        """A cluster of three, or five, tells the story better than one of seven, if nothing is said of the others."""
        named = max([0, *map(_highest_node, self.best.faults), *(call.node for call in self.best.calls)])
        named = max([named, *(_highest_in(fault) for fault in self.best.permanent)])
        for size in (3, 5):
            if named <= size < self.best.settings.nodes and self.change_settings(nodes=size):
                return

    def _size(self) -> tuple[int, int, int, int]:
        schedule = self.best
        return len(schedule.faults), len(schedule.calls), len(schedule.permanent), schedule.settings.nodes


def shrink(schedule: Schedule, invariant: str, *, most_runs: int = MOST_RUNS) -> Shrunk:
    """Make `schedule`, which breaks `invariant`, as small as `most_runs` runs can.

    Raises:
        ValueError: it does not break it.
    """
    outcome = run_trial(schedule)
    if all(found.invariant != invariant for found in outcome.violations):
        raise ValueError(f"the plan does not break {invariant!r}")
    shrinker = _Shrinker(schedule, outcome, invariant, most_runs)
    try:
        shrinker.try_plan(outcome.done)  # What was sprung stands in it as plain faults.
        shrinker.all_of_it()
    except _Out:
        pass
    return Shrunk(shrinker.best, shrinker.outcome, shrinker.runs)


def touched(schedule: Schedule) -> set[int]:
    """The nodes that faults and calls name."""
    faults = [scheduled.fault for scheduled in schedule.faults] + list(schedule.permanent)
    return {node for fault in faults for node in _nodes_in(fault)} | {call.node for call in schedule.calls}


def _highest_node(scheduled: ScheduledFault | Call) -> int:
    return _highest_in(scheduled.fault) if isinstance(scheduled, ScheduledFault) else scheduled.node


def _highest_in(fault: Fault) -> int:
    return max(_nodes_in(fault), default=0)


def _nodes_in(fault: Fault) -> list[int]:
    if isinstance(fault, Partition):
        return [node for group in fault.groups for node in group]
    ends = [getattr(fault, name) for name in ("node", "source", "target") if hasattr(fault, name)]
    return ends + [node for link in getattr(fault, "links", ()) for node in link]
