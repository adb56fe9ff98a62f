"""Clusters of real processes for tests, of which none outlives its test."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.settings import Settings
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.node_main import Builder
from tests.simulator.worlds.processes.fake import build_fake

Start = Callable[..., ProcessCluster]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts clusters: `start(nodes=3)` one of fake nodes, `start(build=build_node)` one of real ones."""
    clusters: list[ProcessCluster] = []

    def begin(build: Builder = build_fake, **settings: Any) -> ProcessCluster:
        settings = {"nodes": 3, "data": str(tmp_path / "data"), **settings}
        clusters.append(ProcessCluster(Settings(**settings), build=build))
        return clusters[-1]

    yield begin
    for cluster in clusters:
        cluster.close()
    left = multiprocessing.active_children()
    for process in left:
        process.kill()
        process.join()
    assert left == []
