"""One cluster of five nodes for each world and module, healthy at the start of each test, and fresh ones on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.cluster.interface import Cluster
from simulator.settings import Settings
from simulator.worlds.open import WORLDS, open_cluster
from tests.simulator.worlds.contract.driver import make_healthy

OpenNew = Callable[..., Cluster]


@pytest.fixture(scope="module", params=WORLDS)
def world(request: pytest.FixtureRequest) -> str:
    """Each world by name."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def shared(world: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of this module. Real processes are slow to start."""
    cluster = open_cluster(world, Settings(data=str(tmp_path_factory.mktemp("data")), difficulty=1))
    yield cluster
    verdicts = cluster.check()
    cluster.close()
    assert verdicts == dict.fromkeys(verdicts, "ok")


@pytest.fixture
def cluster(shared: Cluster) -> Cluster:
    """The shared cluster with all faults undone: one node leads, and all chains are equal."""
    make_healthy(shared)
    return shared


@pytest.fixture
def open_new(world: str, tmp_path: Path) -> Iterator[OpenNew]:
    """Opens a cluster of three nodes, or as the settings given say."""
    opened: list[Cluster] = []

    def begin(**settings: Any) -> Cluster:
        settings = {"nodes": 3, "data": str(tmp_path / "data"), "difficulty": 1, **settings}
        opened.append(open_cluster(world, Settings(**settings)))
        return opened[-1]

    yield begin
    for cluster in opened:
        cluster.close()
