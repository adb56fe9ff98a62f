"""A virtual cluster in whose time a person goes back: it is made again from its seed and the same calls."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Any

from simulator.cluster.interface import Moment
from simulator.errors import InputError
from simulator.settings import Settings
from simulator.trace.events import EVENTS, Event
from simulator.trace.observer import Handler, Observer
from simulator.worlds.virtual.cluster import VirtualCluster
from simulator.worlds.virtual.event_queue import WORLD


class RewindableCluster(VirtualCluster):
    """See `Rewindable`. `begin_anew` makes this same object again, so that whoever looks at it sees the new run."""

    def __init__(self, settings: Settings) -> None:
        self.lock = RLock()
        self.generation = 0
        self._begin(settings)

    @property
    def rewindable(self) -> RewindableCluster:
        """See `Cluster`."""
        return self

    def begin_anew(self) -> None:
        """See `Rewindable`."""
        with self.lock:
            self._begin(self.settings)

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """See `Cluster`."""
        with self.lock:
            self._moments.runs = True
            try:
                came_true = super().wait(condition, within_ms)
            finally:
                self._moments.runs = False
        return came_true

    def is_midway(self) -> bool:
        """See `Rewindable`."""
        return self._queue.is_midway()

    def moments(self) -> int:
        """See `Rewindable`."""
        return len(self._moments.steps)

    def moment(self, number: int) -> Moment:
        """See `Rewindable`."""
        steps, firsts = self._moments.steps, self._moments.firsts
        end = firsts[number + 1] if number + 1 < len(firsts) else self._moments.count
        return Moment(steps[number], firsts[number], end)

    def events_so_far(self) -> int:
        """See `Rewindable`."""
        return self._moments.count

    def event(self, index: int) -> Event:
        """See `Rewindable`.

        Raises:
            InputError: the record of this run is full, and the event is not in it.
        """
        assert self._recorder is not None
        if index >= len(self._recorder):
            raise InputError(f"the record of this run is full: {self._recorder.cut}. Begin a new lab.")
        return self._recorder.event(index)

    def violated(self) -> str:
        """See `Rewindable`."""
        found = next(iter(self.checker.violations.values()), None)
        return "" if found is None else f"{found.invariant}: {found.why}"

    def is_busy(self, node: int) -> bool:
        """See `Rewindable`."""
        machine = self.machines[node]
        return machine.blocked and machine.life == "up"

    def next_batch(self) -> tuple[int, Sequence[object]] | None:
        """See `Rewindable`."""
        upcoming = self._queue.next_moment()
        if upcoming is None or upcoming[0] == WORLD or self.machines[upcoming[0]].blocked:
            return None
        node, batch = upcoming
        alive = self.machines[node].incarnation
        found = [(source, what) if source else what for source, what, number in batch if source or number == alive]
        return node, found

    def _begin(self, settings: Settings) -> None:
        self.generation += 1
        self._moments = MomentObserver(lambda: self._queue.steps)
        super().__init__(settings, observers=(self._moments,))
        self.watch_messages(on=True)


class MomentObserver(Observer):
    """Notes at which steps of the world there were events: `steps`, and in `firsts` the index of the first of each.

    Events while nothing `runs`, those of a person's own commands, belong to the moment before. `count` counts events.
    """

    def __init__(self, step: Callable[[], int]) -> None:
        self.runs = False
        self.steps = array("Q")
        self.firsts = array("Q")
        self.count = 0
        self._step = step
        self._newest = 0

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return dict.fromkeys(EVENTS, self._note)

    def _note(self, _: Any) -> None:
        step = self._step()
        if step != self._newest and self.runs:
            self._newest = step
            self.steps.append(step)
            self.firsts.append(self.count)
        self.count += 1
