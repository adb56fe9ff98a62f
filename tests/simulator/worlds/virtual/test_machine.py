"""One machine: batches, syncs that take time, deaths, sleep, and clocks that go wrong."""

from __future__ import annotations

import pytest

from paxos.core import ProtocolError
from paxos.effects import Timer
from simulator.errors import StorageDamage
from simulator.node.client_api import NodeFailed, NoteLine
from simulator.node.node import NodeStopped
from simulator.node.storage.journal import JOURNAL
from simulator.worlds.virtual.clock import Clock
from tests.simulator.worlds.virtual.fake import Bench, word


def test_what_is_due_at_one_moment_is_one_batch() -> None:
    """Ended by one flush; the next moment is the next batch."""
    bench = Bench()
    bench.put(30, 1, 1)
    bench.put(30, 1, 2)
    bench.put(31, 1, 3)

    bench.run(40)

    assert bench.nodes[1].seen == [(30, "2:1"), (30, "2:2"), (30, "flush"), (31, "2:3"), (31, "flush")]


def test_what_arrives_during_a_sync_is_the_next_batch() -> None:
    """And what the node says after the sync leaves when the sync is over."""
    bench = Bench(sync_ms=4)
    node, machine = bench.nodes[1], bench.machines[1]

    def keep() -> None:
        if (bench.queue.now_ms, "2:1") in node.seen:
            machine.report(NoteLine("before", ""))
            machine.disk.append(JOURNAL, b"vote\n")
            machine.disk.sync(JOURNAL)
            machine.report(NoteLine("after", ""))

    node.on_flush = keep
    bench.put(30, 1, 1)
    bench.put(31, 1, 2)
    bench.put(33, 1, 3)

    bench.run(50)

    assert node.seen == [(30, "2:1"), (30, "flush"), (34, "2:2"), (34, "2:3"), (34, "flush")]
    assert [(at, report.kind) for at, report in bench.reports if isinstance(report, NoteLine)] == [
        (30, "before"),
        (34, "after"),
    ]


def test_a_crash_during_a_sync_means_that_nothing_after_it_was_said() -> None:
    """Nor is the record certain to be there."""
    kept = set()
    for seed in range(30):
        bench = Bench(sync_ms=4, seed=seed)
        machine = bench.machines[1]

        def keep(bench: Bench = bench) -> None:
            machine = bench.machines[1]
            machine.disk.append(JOURNAL, b"vote\n")
            machine.disk.sync(JOURNAL)
            machine.send((2,), word(1, 7))

        bench.nodes[1].on_flush = keep
        bench.put(30, 1, 1)
        bench.run(32)
        machine.crash("it was killed")
        bench.run(60)

        assert bench.words(2) == []
        kept.add(machine.disk.read(JOURNAL).startswith(b"vote\n"))
    assert kept == {True, False}


def test_what_is_for_a_node_that_is_down_is_lost() -> None:
    """Queued events are lost too; a new incarnation gets only what arrives in it."""
    bench = Bench()
    machine = bench.machines[1]
    machine.pause()
    bench.put(30, 1, 1)
    bench.run(31)
    machine.crash("it was killed")
    bench.put(32, 1, 2)
    bench.run(33)
    machine.boot()
    bench.put(34, 1, 3)
    bench.run(40)

    assert bench.ends == [(31, 1, "it was killed")]
    assert bench.words(1) == ["start", "flush", "2:3", "flush"]
    assert sum(bench.network.lost) == 2
    assert bench.network.underway() == 0


def test_a_paused_node_takes_everything_in_one_batch_when_it_goes_on() -> None:
    """Messages, and alarms that were due meanwhile."""
    bench = Bench()
    machine = bench.machines[1]
    machine.set_timer(Timer.ELECTION, 15, 15)
    machine.pause()
    bench.put(30, 1, 1)
    bench.put(50, 1, 2)
    bench.run(60)
    assert bench.words(1) == []
    assert machine.status().life == "paused"

    machine.resume()
    bench.run(70)

    assert bench.nodes[1].seen == [(60, "2:1"), (60, "election"), (60, "2:2"), (60, "flush")]


def test_an_alarm_that_is_set_again_rings_once_at_the_new_time() -> None:
    """Later or earlier than before."""
    bench = Bench()
    machine = bench.machines[1]
    machine.set_timer(Timer.ELECTION, 10, 10)
    machine.set_timer(Timer.ELECTION, 30, 30)
    machine.set_timer(Timer.HEARTBEAT, 30, 30)
    machine.set_timer(Timer.HEARTBEAT, 10, 10)

    bench.run(100)

    rung = [(at, what) for at, what in bench.nodes[1].seen if what != "flush"]
    assert rung == [(30, "heartbeat"), (50, "election")]


def test_alarms_follow_the_nodes_own_clock() -> None:
    """A clock at half speed rings late, one that jumps ahead rings at once, one that jumps back rings later."""
    bench = Bench(nodes=3)
    for machine in bench.machines.values():
        machine.set_timer(Timer.RESEND, 100, 100)
    bench.machines[1].change_clock(50, 0)
    bench.machines[2].change_clock(100, 5_000)
    bench.machines[3].change_clock(100, -300)

    bench.run(1_000)

    rung = {node: at for node in bench.nodes for at, what in bench.nodes[node].seen if what == "resend"}
    assert rung == {1: 220, 2: 20, 3: 420}


def test_a_clock_never_rings_early() -> None:
    """`when` is the first moment at which the clock shows a time, at any rate."""
    for rate in (10, 33, 95, 100, 107, 200, 1_000):
        clock = Clock(777)
        clock.change(50, rate, -20)
        for own in range(clock.read(50) + 1, clock.read(50) + 400, 7):
            at = clock.when(own)
            assert clock.read(at) >= own
            assert clock.read(at - 1) < own or at == 50


@pytest.mark.parametrize(
    ("error", "surprise"),
    [
        (StorageDamage("paxos.txt, line 3: bad."), False),
        (OSError(28, "No space left on device"), False),
        (ProtocolError("two values"), True),
        (AssertionError("block 3 cannot follow block 1"), True),
        (KeyError("slot"), True),
    ],
)
def test_an_error_ends_the_node_and_not_the_world(error: Exception, surprise: bool) -> None:
    """It is told as a failure; what no disk can be blamed for is a surprise too."""
    bench = Bench()

    def fail() -> None:
        raise error

    bench.nodes[1].on_flush = fail
    bench.put(30, 1, 1)
    bench.put(40, 2, 2, source=1)
    bench.run(50)

    assert bench.machines[1].life == "down"
    assert [type(report) for _, report in bench.reports] == [NodeFailed]
    assert str(error.args[-1]) in bench.machines[1].status().error
    assert (bench.surprises == [error]) is surprise
    assert bench.words(2) == ["1:2", "flush"]


def test_a_node_that_has_told_why_it_stops_is_not_told_again() -> None:
    """A protocol error behind it is a surprise still."""
    bench = Bench()

    def stop() -> None:
        bench.machines[1].report(NodeFailed("node 1 stopped: two values"))
        raise NodeStopped("two values") from ProtocolError("two values")

    bench.nodes[1].on_flush = stop
    bench.put(30, 1, 1)
    bench.run(50)

    assert len(bench.reports) == 1
    assert [str(surprise) for surprise in bench.surprises] == ["two values"]
    assert bench.machines[1].life == "down"


def test_a_node_killed_at_a_moment_is_down_and_can_be_started_again() -> None:
    """Its record is on the disk, and nobody was told."""
    bench = Bench(sync_ms=3)
    machine = bench.machines[1]

    def keep() -> None:
        machine.disk.append(JOURNAL, b"vote\n")
        machine.disk.sync(JOURNAL)
        machine.send((2,), word(1, 7))

    bench.nodes[1].on_flush = keep
    machine.disk.crash_at = "before-send"
    bench.put(30, 1, 1)
    bench.run(50)

    assert machine.life == "down"
    assert machine.disk.read(JOURNAL) == b"vote\n"
    assert bench.words(2) == []
    machine.boot()
    bench.run(60)
    assert machine.status().life == "up"
