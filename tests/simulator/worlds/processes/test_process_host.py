"""A node that fetches a long chain leaves the processor to those that serve clients; probes leave with messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from paxos.ballot import Ballot
from paxos.messages import AnyMessage, Catchup, Decide
from simulator.worlds.processes.framed_pipe import PROBE, Inlet, Outlet, split
from simulator.worlds.processes.process_host import ProcessHost
from simulator.worlds.processes.wire import decode_message


class Bench:
    """A host whose clock stands at `now_s`, and the other end of its pipe. It has used `cpu_s` of the processor."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.cpu_s = 5.0
        theirs, ours = os.pipe()
        self.fds = (theirs, ours)
        self.inlet = Inlet(theirs)
        self.host = ProcessHost(Outlet(ours), Random(0))

    def sent(self) -> list[AnyMessage]:
        """The messages that have left since the last call."""
        self.host.push()
        return [decode_message(data) for _, _, body in self.inlet.read() for data in split(body)]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A host at the beginning of a turn."""
    bench = Bench()
    monkeypatch.setattr("simulator.worlds.processes.process_host.time.monotonic", lambda: bench.now_s)
    monkeypatch.setattr("simulator.worlds.processes.process_host.time.process_time", lambda: bench.cpu_s)
    bench.host.turn_began_cpu_s = bench.cpu_s
    yield bench
    for fd in bench.fds:
        os.close(fd)


FIRST = Catchup(sender=1, first_slot=1, last_slot=512)
NEXT = Catchup(sender=1, first_slot=513, last_slot=1024)


def test_the_next_blocks_are_asked_for_after_a_pause_as_long_as_the_turn(bench: Bench) -> None:
    """Applying took 20 ms of the processor: the request leaves 20 ms later. Other messages do not wait."""
    bench.host.send((2,), FIRST)
    assert bench.sent() == [FIRST]
    assert bench.host.postponed_s() is None

    bench.now_s += 0.300  # The machine is busy.
    bench.cpu_s += 0.020
    decide = Decide(sender=1, ballot=Ballot(1, 1), decided=7)
    bench.host.send((2,), NEXT)
    bench.host.send((3,), decide)
    assert bench.sent() == [decide]
    assert bench.host.postponed_s() == pytest.approx(0.020)
    bench.host.send_postponed()
    assert bench.sent() == []

    bench.now_s += 0.021
    bench.host.send_postponed()
    assert bench.sent() == [NEXT]
    assert bench.host.postponed_s() is None


def test_a_newer_request_takes_the_place_of_one_that_waits(bench: Bench) -> None:
    """Only one request for blocks is open at a time."""
    bench.cpu_s += 0.020
    bench.host.send((2,), FIRST)
    bench.host.turn_began_cpu_s = bench.cpu_s
    bench.host.send((3,), NEXT)

    bench.now_s += 1
    bench.host.send_postponed()
    assert bench.sent() == [NEXT]


def test_probes_leave_with_the_next_message_and_before_it(bench: Bench) -> None:
    """They cost no write of their own while there is something else to send."""
    bench.host.start_probe()
    assert bench.host.probe is not None
    bench.host.probe.synced()
    bench.host.push()
    bench.host.end_turn()
    assert bench.inlet.read() == []

    bench.host.send((2,), FIRST)
    bench.host.push()
    assert [address for address, _, _ in bench.inlet.read()] == [PROBE, 1 << 2]
    assert bench.host.probes_wait_s() is None


def test_probes_without_a_message_leave_after_ten_milliseconds(bench: Bench) -> None:
    """The node waits no longer than that for its next turn."""
    bench.host.start_probe()
    assert bench.host.probe is not None
    bench.host.probe.synced()
    bench.host.end_turn()
    assert bench.host.probes_wait_s() == pytest.approx(0.010)

    bench.now_s += 0.011
    bench.host.end_turn()
    assert [address for address, _, _ in bench.inlet.read()] == [PROBE]
    assert bench.host.probes_wait_s() is None
