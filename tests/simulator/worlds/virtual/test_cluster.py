"""The virtual cluster with nodes of the protocol: the face that scenarios, checks and people see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from blog.operations import Post
from paxos.effects import Timer
from simulator.cluster.interface import AnswerKind, Ticket
from simulator.errors import InputError
from simulator.faults.faults import (
    ClockFault,
    Crash,
    Pause,
    Restart,
    Resume,
)
from simulator.node.client_api import ClientWrite, WriteAnswer
from simulator.settings import Settings
from simulator.trace.events import ClientCalled, Event, NodeReported
from simulator.trace.observer import Handler, Observer
from simulator.worlds.virtual.cluster import SURPRISE, VirtualCluster
from simulator.worlds.virtual.machine import Machine
from tests.simulator.worlds.virtual.fake import FakeNode

SOON_MS = 5_000


def new_cluster(**settings: Any) -> VirtualCluster:
    """A cluster with a leader."""
    cluster = VirtualCluster(Settings(data="", **settings))
    assert cluster.wait(lambda: leader_of(cluster) != 0, SOON_MS)
    return cluster


def leader_of(cluster: VirtualCluster) -> int:
    """The node that leads and lives, or 0."""
    states = [cluster.status(node) for node in cluster.settings.node_ids]
    return next((state.node for state in states if state.role == "leader" and state.life == "up"), 0)


def follower_of(cluster: VirtualCluster) -> int:
    """The lowest node that does not lead."""
    return next(node for node in cluster.settings.node_ids if node != leader_of(cluster))


def done(cluster: VirtualCluster, ticket: Ticket, within_ms: int = SOON_MS) -> AnswerKind:
    """How the request ended."""
    assert cluster.wait(lambda: ticket.done, within_ms)
    assert ticket.answer is not None
    return ticket.answer.kind


def post(cluster: VirtualCluster, title: str, node: int = 0) -> AnswerKind:
    """Post something at a node, or at the leader."""
    operation = Post(username="alice", title=title, content="first post")
    return done(cluster, cluster.submit(node or leader_of(cluster), operation))


def converged(cluster: VirtualCluster) -> Callable[[], bool]:
    """All chains are equal."""
    return lambda: len({cluster.status(node).hash for node in cluster.settings.node_ids}) == 1


def all_well(cluster: VirtualCluster) -> bool:
    """No check has anything to say."""
    return set(cluster.check().values()) == {"ok"} and not cluster.bugs


def test_time_passes_in_wait_alone() -> None:
    """And stands still whatever else is called."""
    cluster = VirtualCluster(Settings(data=""))
    ticket = cluster.submit(1, Post(username="alice", title="Hello", content="x"))
    cluster.apply(Pause(3))
    cluster.status(2, detail=True)
    cluster.check()
    before = (cluster.now_ms(), ticket.answered_ms)

    assert not cluster.wait(lambda: False, 1_234)

    assert before == (0, None)
    assert cluster.now_ms() == 1_234
    assert ticket.answered_ms is not None
    assert 0 < ticket.answered_ms < 1_234


def test_a_condition_is_asked_as_soon_as_an_answer_is_there() -> None:
    """So a wait ends in the millisecond of the answer."""
    cluster = new_cluster()
    ticket = cluster.submit(1, Post(username="alice", title="Hello", content="x"))
    assert cluster.wait(lambda: ticket.done, SOON_MS)

    assert cluster.now_ms() == ticket.answered_ms


def test_a_retry_takes_effect_once_and_gets_its_answer() -> None:
    """The client of a sleeping node asks another one for the same write."""
    cluster = new_cluster(seed=4)
    node = follower_of(cluster)
    cluster.apply(Pause(node))
    ticket = cluster.submit(node, Post(username="alice", title="Once", content="x"))
    assert not cluster.wait(lambda: ticket.done, 300)

    cluster.ask_again(ticket, leader_of(cluster))
    assert done(cluster, ticket) is AnswerKind.OK
    cluster.apply(Resume(node))
    cluster.wait(lambda: False, 2_000)

    assert [cluster.status(n).posts for n in cluster.settings.node_ids] == [1] * 5
    assert post(cluster, "Once") is AnswerKind.REFUSED
    assert all_well(cluster)


@pytest.mark.parametrize("point", ["before-record", "before-sync", "before-send"])
def test_a_node_dies_at_a_protocol_moment(point: Any) -> None:
    """The next time it reaches it; it comes back with what its disk kept."""
    cluster = new_cluster(seed=8)
    node = follower_of(cluster)
    cluster.apply(Crash(node, point))
    assert cluster.status(node).life == "up"

    assert post(cluster, "Deadly") is AnswerKind.OK
    assert cluster.wait(lambda: cluster.status(node).life == "down", SOON_MS)
    cluster.apply(Restart(node))
    assert cluster.wait(converged(cluster), SOON_MS)

    assert any(point.replace("-", " ") in event.text for event in cluster.events(100))
    assert all_well(cluster)


def test_clocks_may_go_wrong() -> None:
    """A fast one, a slow one and one that leaps: writes are answered, and nobody reads what is old."""
    cluster = new_cluster(seed=9)
    cluster.apply(ClockFault(1, 200, 0))
    cluster.apply(ClockFault(2, 50, 4_000))
    cluster.apply(ClockFault(3, 100, -500))

    for number in range(10):
        assert post(cluster, f"T{number}", number % 5 + 1) is AnswerKind.OK
        cluster.wait(lambda: False, 300)

    assert all_well(cluster)
    with pytest.raises(InputError, match="10% to 1000%"):
        cluster.apply(ClockFault(1, 0))


def test_observers_are_told_and_none_costs_nothing() -> None:
    """A watcher that listens to answers alone is told of answers alone."""

    class Ear(Observer):
        """Handles calls and reports."""

        def __init__(self) -> None:
            self.heard: list[object] = []

        def handlers(self) -> Mapping[type[Event], Handler]:
            """See `Observer`."""
            return {
                ClientCalled: lambda event: self.heard.append(event.call),
                NodeReported: lambda event: self.heard.append(event.report),
            }

    ear = Ear()
    cluster = VirtualCluster(Settings(data=""), observers=[ear])
    assert done(cluster, cluster.submit(1, Post(username="alice", title="A", content="x"))) is AnswerKind.OK

    assert [type(what) for what in ear.heard if isinstance(what, ClientWrite | WriteAnswer)] == [
        ClientWrite,
        WriteAnswer,
    ]


def test_a_node_that_meets_the_impossible_is_a_violation() -> None:
    """The world goes on; the check names the node and the traceback is kept."""

    class Broken(FakeNode):
        def wake(self, timer: Timer, now_ms: int) -> None:
            """See `Drivable`."""
            raise AssertionError("a vote above the promise")

    def build(_: Settings, machine: Machine) -> Broken:
        machine.set_timer(Timer.ELECTION, 100, 100)
        return Broken(machine, cluster_queue[0])

    cluster_queue: list[Any] = []
    cluster = VirtualCluster(Settings(data="", nodes=1), build=build)
    cluster_queue.append(cluster._queue)

    cluster.wait(lambda: False, 500)

    assert "node 1 met what cannot be" in cluster.check()[SURPRISE]
    assert "a vote above the promise" in cluster.bugs[0]
    assert cluster.status(1).life == "down"
