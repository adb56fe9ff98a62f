"""A node process that sends rubbish harms itself alone: the supervisor ends it, and the others go on."""

from __future__ import annotations

import os
from random import Random
from typing import cast

import pytest

from paxos.effects import Timer
from simulator.cluster.interface import AnswerKind
from simulator.node.client_api import NoteLine
from simulator.settings import Settings
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.framed_pipe import HEAD, LENGTH, PROBE, SUPERVISOR, frame
from simulator.worlds.processes.process_host import ProcessHost
from tests.simulator.worlds.processes.conftest import Start
from tests.simulator.worlds.processes.fake import FakeNode
from tests.simulator.worlds.processes.test_cluster import SOON_MS, write

TO_ALL = 0b1010
RUBBISH = {
    1: HEAD.pack(4_000_000_000, TO_ALL, 1),
    2: HEAD.pack(6, 1 << SUPERVISOR, 1) + LENGTH.pack(99) + b"xx",
    3: HEAD.pack(2, 1 << SUPERVISOR, 1) + b"xx",
    4: frame(1 << SUPERVISOR, [b"no report"]),
    5: frame(1 << SUPERVISOR, [b""]),
    6: b"GET / HTTP/1.1\r\n\r\n" * 100,
    7: Random(7).randbytes(100_000),
}
PASSED_ON = {
    11: frame(TO_ALL, [b"no message", b"", b"\xc1"]),
    12: HEAD.pack(6, TO_ALL, 1) + LENGTH.pack(99) + b"xx",
    13: frame(PROBE, [b"no probe"]),
    14: frame(TO_ALL | 1 << 20, [b"\x92\x07"]),
}


class RubbishNode(FakeNode):
    """Node 2 sends the rubbish of the seed, some moments after its start."""

    seed = 0

    def wake(self, timer: Timer, now_ms: int) -> None:
        """Send it once."""
        super().wake(timer, now_ms)
        if self.me == 2 and self.ticks == 3:
            outlet = cast("ProcessHost", self.host)._outlet
            outlet.flush()
            os.write(outlet.fd, (RUBBISH | PASSED_ON)[self.seed])
            self.host.report(NoteLine("sent", "rubbish"))


def build_rubbish(node_id: int, settings: Settings, host: ProcessHost) -> RubbishNode:
    """See `Builder`."""
    node = RubbishNode(node_id, settings, host)
    node.seed = settings.seed
    return node


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
