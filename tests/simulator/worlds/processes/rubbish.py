"""A node that sends rubbish: apart from its test, so that its process need not load pytest."""

from __future__ import annotations

import os
from random import Random
from typing import cast

from paxos.effects import Timer
from simulator.node.client_api import NoteLine
from simulator.settings import Settings
from simulator.worlds.processes.framed_pipe import HEAD, LENGTH, PROBE, SUPERVISOR, frame
from simulator.worlds.processes.process_host import ProcessHost
from tests.simulator.worlds.processes.fake import FakeNode

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
