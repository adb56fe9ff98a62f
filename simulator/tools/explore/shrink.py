"""Shrinks a failing schedule: fewest faults, calls and nodes, while the same invariant stays violated.

Delta debugging (Zeller & Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, 2002) over faults and calls,
then simpler settings. Every candidate is run as a whole, so the result fails by itself. The number of runs is bounded,
so the result may not be minimal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from simulator.errors import InputError
from simulator.faults.faults import Fault, Partition
from simulator.settings import Limits
from simulator.tools.explore.schedule import Call, Schedule, ScheduledFault
from simulator.tools.explore.trial import Outcome, run_trial

MOST_RUNS = 600

Item = TypeVar("Item")


class Shrunk(msgspec.Struct, frozen=True):
    """The shrunk schedule, its outcome, and the number of runs it took."""

    schedule: Schedule
    outcome: Outcome
    runs: int


class _Out(Exception):
    """The bound on runs is reached."""


class _Shrinker:
    def __init__(self, schedule: Schedule, outcome: Outcome, invariant: str, most_runs: int) -> None:
        self.best = schedule
        self.outcome = outcome
        self.runs = 0
        self._invariant = invariant
        self._most_runs = most_runs

    def try_plan(self, schedule: Schedule) -> bool:
        """Keep `schedule` if it violates the invariant too."""
        if self.runs >= self._most_runs:
            raise _Out
        self.runs += 1
        try:
            outcome = run_trial(schedule)
        except InputError:  # A fault names a node that no longer exists.
            return False
        if all(found.invariant != self._invariant for found in outcome.violations):
            return False
        self.best, self.outcome = schedule, outcome
        return True

    def change(self, **changes: object) -> bool:
        """Try the best schedule with these fields changed."""
        schedule: Schedule = msgspec.structs.replace(self.best, **changes)
        return schedule != self.best and self.try_plan(schedule)

    def change_settings(self, **changes: object) -> bool:
        """Try the best schedule with these settings changed."""
        return self.change(settings=msgspec.structs.replace(self.best.settings, **changes))

    def fewest(self, items: Sequence[Item], keep: Callable[[tuple[Item, ...]], bool]) -> None:
        """Delta debugging: leave out ever smaller parts of `items` while `keep` says that the rest fails."""
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
        """Repeat all reductions until none helps."""
        self.cut_what_came_later()
        before = None
        while before != (before := self._size()):
            self.fewest(self.best.faults, lambda rest: self.change(faults=rest))
            self.fewest(self.best.calls, lambda rest: self.change(calls=rest))
            self.fewest(self.best.permanent, lambda rest: self.change(permanent=rest))
            self.fewer_nodes()
            self.cut_what_came_later()
        usual = Limits()
        simpler: list[dict[str, object]] = [{"difficulty": 0}, {"ops_per_block": 1}, {"window": 256}, {"limits": usual}]
        for changes in simpler:
            self.change_settings(**changes)
        for name in self.best.settings.limits.drawn():
            self.change(settings=self.best.settings.changed(name, getattr(usual, name)))

    def cut_what_came_later(self) -> None:
        """Drop what comes after the violation, which cannot have caused it; then the faults end sooner."""
        last_ms = min(found.at_ms for found in self.outcome.violations if found.invariant == self._invariant)
        if last_ms < self.best.heals_ms:
            faults = tuple(scheduled for scheduled in self.best.faults if scheduled.at_ms <= last_ms)
            calls = tuple(call for call in self.best.calls if call.at_ms <= last_ms)
            self.change(faults=faults, calls=calls, heals_ms=last_ms + 1, permanent=())

    def fewer_nodes(self) -> None:
        """Try a cluster of three or five nodes instead of seven, if no fault or call names the others."""
        named = max([0, *map(_highest_node, self.best.faults), *(call.node for call in self.best.calls)])
        named = max([named, *(_highest_in(fault) for fault in self.best.permanent)])
        for size in (3, 5):
            if named <= size < self.best.settings.nodes and self.change_settings(nodes=size):
                return

    def _size(self) -> tuple[int, int, int, int]:
        schedule = self.best
        return len(schedule.faults), len(schedule.calls), len(schedule.permanent), schedule.settings.nodes


def shrink(schedule: Schedule, invariant: str, *, most_runs: int = MOST_RUNS) -> Shrunk:
    """Shrink `schedule`, which violates `invariant`, in at most `most_runs` runs.

    Raises:
        ValueError: it does not break it.
    """
    outcome = run_trial(schedule)
    if all(found.invariant != invariant for found in outcome.violations):
        raise ValueError(f"the plan does not break {invariant!r}")
    shrinker = _Shrinker(schedule, outcome, invariant, most_runs)
    try:
        shrinker.try_plan(outcome.done)  # Its triggered faults are now plain faults.
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
