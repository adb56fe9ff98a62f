"""Clusters of both worlds under the rules of `machine.py`: any order of events is survived."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings

from simulator.checks.audit import verify_directory
from simulator.cluster.interface import Cluster
from simulator.settings import Settings
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.virtual.cluster import VirtualCluster
from tests.properties.driver import audit, text
from tests.properties.effort import effort
from tests.properties.machine import ClusterMachine


class VirtualMachine(ClusterMachine):
    """In virtual time."""

    def make(self, settings: Settings) -> Cluster:
        """See `ClusterMachine`."""
        return VirtualCluster(settings, keep_trace=False)

    def end(self) -> None:
        """The files are audited too."""
        assert isinstance(self.cluster, VirtualCluster)
        assert audit(self.cluster, self.cluster.settings.difficulty) == [], text(self.schedule)
        super().end()


class ProcessMachine(ClusterMachine):
    """In real time, with processes that are killed with SIGKILL and stopped with SIGSTOP."""

    longest_step_ms = 300
    slack_ms = 30_000  # No test of ours is about how fast a busy machine is.

    def make(self, settings: Settings) -> Cluster:
        """See `ClusterMachine`."""
        self.folder = tempfile.TemporaryDirectory()
        return ProcessCluster(msgspec.structs.replace(settings, data=self.folder.name))

    def end(self) -> None:
        """The files are audited too."""
        super().end()
        report = verify_directory(Path(self.folder.name), 1)
        self.folder.cleanup()
        assert report.ok, report.lines()


TestVirtualCluster = VirtualMachine.TestCase
TestVirtualCluster.settings = settings(effort(4), stateful_step_count=25)

TestProcessCluster = pytest.mark.slow(pytest.mark.timeout(900)(ProcessMachine.TestCase))
TestProcessCluster.settings = settings(effort(0.2), stateful_step_count=12)
