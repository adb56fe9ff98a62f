"""A node process that sends rubbish harms itself alone: the supervisor ends it, and the others go on."""

from __future__ import annotations

import pytest

from simulator.cluster.interface import AnswerKind
from simulator.settings import Settings
from simulator.worlds.processes.cluster import ProcessCluster
from tests.simulator.worlds.processes.conftest import Start
from tests.simulator.worlds.processes.rubbish import PASSED_ON, RUBBISH, build_rubbish
from tests.simulator.worlds.processes.test_cluster import SOON_MS, write


@pytest.mark.parametrize("kind", RUBBISH)
def test_who_sends_rubbish_is_ended_and_the_others_go_on(start: Start, kind: int) -> None:
    """And it is told why."""
    cluster = start(build_rubbish, seed=kind)

    assert cluster.wait(lambda: cluster.status(2).life == "down", SOON_MS)

    assert "node 2 was killed: it sent what no node sends" in cluster.warnings()[0]
    assert "what no node sends" in cluster.status(2).error
    assert write(cluster, 1) is AnswerKind.OK
    assert [cluster.status(node).life for node in (1, 3)] == ["up", "up"]


@pytest.mark.parametrize("kind", PASSED_ON)
def test_rubbish_for_others_is_dropped_by_them(tmp_path_factory: pytest.TempPathFactory, kind: int) -> None:
    """The supervisor passes messages on unread, so each node must bear anything. So must who reads the recording."""
    settings = Settings(nodes=3, data=str(tmp_path_factory.mktemp("data")), seed=kind)
    cluster = ProcessCluster(settings, build=build_rubbish, record=True)
    try:
        cluster.watch_messages(on=kind != 12)  # Whoever looks into that frame ends its sender.
        assert cluster.wait(lambda: any(event.text == "rubbish" for event in cluster.events(50)), SOON_MS)

        assert write(cluster, 1) is AnswerKind.OK
        assert [cluster.status(node).life for node in (1, 2, 3)] == ["up", "up", "up"]
        assert cluster.events(50)
        assert list(cluster.trace_lines())
    finally:
        cluster.close()
