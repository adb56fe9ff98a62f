"""Gives the screen the state of a running cluster, which threads of its own read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from simulator.cluster.log_filter import LogFilter
from simulator.screens.dashboard.poll import Poll
from simulator.screens.dashboard.running_log import LogReader
from simulator.screens.dashboard.snapshot import LabState, Opened, Snapshot, blank_snapshot, open_node, take_snapshot

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

REFRESHES_PER_SECOND = 5


class Source(Protocol):
    """Gives the newest state at once. `nodes` is the number of nodes."""

    nodes: int

    def newest(self) -> LabState:
        """The newest state; it contains the opened node once that has answered."""
        ...

    def open(self, node: int) -> None:
        """Open `node` from now on; 0: none."""
        ...

    def choose(self, wanted: LogFilter) -> None:
        """Read this part of the running log from now on."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...


class ClusterSource:
    """The state of a running cluster. The checks use three hundredths of a core at most, however long the history."""

    def __init__(self, cluster: Cluster) -> None:
        self.nodes = cluster.settings.nodes
        self._cluster = cluster
        self._node = 0
        self._log = LogReader(cluster)
        world = cluster.rewindable
        self._guard: AbstractContextManager[object] = nullcontext() if world is None else world.lock
        self._snapshots: Poll[Snapshot] = Poll(
            "lab snapshots",
            self._snapshot,
            blank_snapshot(cluster),  # New nodes take a moment to answer.
            every_s=1 / REFRESHES_PER_SECOND,
            share=0.2,
        )
        nothing_checked: Mapping[str, str] = {}
        self._checks: Poll[Mapping[str, str]] = Poll(
            "lab checks", self._check, nothing_checked, every_s=2.0, share=0.03
        )
        self._opened: Poll[Opened | None] = Poll("lab opened node", self._open, None, every_s=0.4)
        for poll in (self._snapshots, self._checks, self._opened):
            poll.start()

    def newest(self) -> LabState:
        """The newest state. It raises an unexpected error of a read."""
        for poll in (self._snapshots, self._checks, self._opened):
            if poll.trouble is not None:
                raise poll.trouble
        return LabState(cluster=self._snapshots.latest, checks=self._checks.latest, opened=self._opened.latest)

    def open(self, node: int) -> None:
        """Open `node` from now on; 0: none."""
        self._node = node
        self._opened.refresh()

    def choose(self, wanted: LogFilter) -> None:
        """Read this part of the running log from now on."""
        self._log.of = wanted
        self._snapshots.refresh()

    def close(self) -> None:
        """End the threads."""
        for poll in (self._snapshots, self._checks, self._opened):
            poll.stop()

    # Virtual time is made to pass by another thread: it stands still while the cluster is read.

    def _snapshot(self) -> Snapshot:
        with self._guard:
            return take_snapshot(self._cluster, self._log.read())

    def _check(self) -> Mapping[str, str]:
        with self._guard:
            return self._cluster.check()

    def _open(self) -> Opened | None:
        with self._guard:
            return open_node(self._cluster, self._node) if self._node else None
