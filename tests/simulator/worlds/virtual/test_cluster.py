"""The virtual cluster with nodes of the protocol: the face that scenarios, checks and people see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from blog.operations import Comment, Post
from paxos.effects import Timer
from simulator.checks.audit import verify_directory
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.errors import InputError
from simulator.faults.faults import (
    ClearConditions,
    ClockFault,
    Crash,
    CutLink,
    DeliverHeld,
    DiskFault,
    Fault,
    Heal,
    Hold,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Release,
    Restart,
    Resume,
)
from simulator.faults.links import LinkRule
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


def test_five_nodes_agree_on_a_post() -> None:
    """It is answered in the brief's words, seen by a linearizable read elsewhere, and on every chain."""
    cluster = new_cluster(seed=1)

    ticket = cluster.submit(2, Post(username="alice", title="Hello", content="first post"))
    assert done(cluster, ticket) is AnswerKind.OK
    assert ticket.answer is not None
    assert ticket.answer.text == "NEW POST Hello from alice"
    read = cluster.read(4, Query(kind="all", linearizable=True))
    assert done(cluster, read) is AnswerKind.OK
    assert read.answer is not None
    assert read.answer.result == [["Hello", "alice"]]
    assert cluster.wait(converged(cluster), SOON_MS)

    assert len({tuple(cluster.chain_lines(node, 1, 9)) for node in cluster.settings.node_ids}) == 1
    assert [event.type for event in cluster.history()] == ["invoke", "ok", "invoke", "ok"]
    assert all_well(cluster)


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


def test_a_dead_leader_is_replaced_and_comes_back_with_its_files() -> None:
    """The write that it answered is kept, and it learns what it missed."""
    cluster = new_cluster(seed=2)
    assert post(cluster, "Before") is AnswerKind.OK
    old = leader_of(cluster)

    cluster.apply(Crash(old))
    assert cluster.status(old).life == "down"
    assert cluster.wait(lambda: leader_of(cluster) != 0, SOON_MS)
    assert post(cluster, "After") is AnswerKind.OK
    cluster.apply(Restart(old))
    assert cluster.wait(converged(cluster), SOON_MS)

    assert cluster.status(old).posts == 2
    assert all_well(cluster)


def test_the_whole_cluster_survives_a_blackout() -> None:
    """All nodes lose power at once: what was answered is there when they come back."""
    for seed in range(5):
        cluster = new_cluster(seed=seed, difficulty=1)
        assert post(cluster, "Kept") is AnswerKind.OK
        for node in cluster.settings.node_ids:
            cluster.apply(Crash(node))
        for node in cluster.settings.node_ids:
            cluster.apply(Restart(node))
        assert cluster.wait(lambda cluster=cluster: leader_of(cluster) != 0, SOON_MS)  # type: ignore[misc]

        read = cluster.read(3, Query(kind="title", name="Kept", linearizable=True))

        assert done(cluster, read) is AnswerKind.OK
        assert read.answer is not None
        assert read.answer.result
        assert all_well(cluster)


def test_a_minority_answers_that_it_has_no_majority() -> None:
    """And the majority goes on; after the healing all agree."""
    cluster = new_cluster(seed=3)
    old = leader_of(cluster)
    other = follower_of(cluster)
    cluster.apply(Partition(((old, other),)))
    lone = cluster.submit(old, Post(username="alice", title="Lonely", content="x"))
    majority = [node for node in cluster.settings.node_ids if node not in {old, other}]
    assert cluster.wait(lambda: any(cluster.status(node).role == "leader" for node in majority), SOON_MS)
    assert post(cluster, "Here", majority[0]) is AnswerKind.OK
    assert done(cluster, lone, 20_000) is AnswerKind.NO_MAJORITY

    cluster.apply(Heal())
    assert cluster.wait(converged(cluster), SOON_MS)
    assert all_well(cluster)


def test_a_request_of_a_node_that_is_down_never_left() -> None:
    """And one of a node that dies has an unknown fate."""
    cluster = new_cluster()
    cluster.apply(Crash(5))
    refused = cluster.submit(5, Post(username="alice", title="A", content="x"))
    assert refused.answer is not None
    assert not refused.answer.sent
    open_ticket = cluster.submit(4, Post(username="alice", title="B", content="x"))
    cluster.apply(Crash(4))

    assert open_ticket.answer is not None
    assert open_ticket.answer.sent
    assert [event.type for event in cluster.history()] == ["invoke", "fail", "invoke", "info"]


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


def test_messages_are_delivered_by_hand() -> None:
    """Hold, one link, one message, and all of them; nothing is lost by it."""
    cluster = new_cluster(seed=5)
    leader = leader_of(cluster)
    cluster.apply(Hold())
    ticket = cluster.submit(leader, Post(username="alice", title="Held", content="x"))
    assert not cluster.wait(lambda: ticket.done, 20)
    held = cluster.held()
    accepts = [message for message in held if message.text.startswith("ACCEPT ")]
    assert {message.source for message in accepts} == {leader}
    assert cluster.in_flight() >= len(held)

    cluster.apply(DeliverHeld(number=accepts[0].number))
    cluster.apply(DeliverHeld(link=(leader, accepts[1].target)))
    assert len(cluster.held()) < len(held)
    with pytest.raises(InputError, match="No message number"):
        cluster.apply(DeliverHeld(number=accepts[0].number))
    cluster.apply(Release())

    assert done(cluster, ticket) is AnswerKind.OK
    assert not cluster.links.holding
    assert all_well(cluster)


@pytest.mark.parametrize("kind", ["full", "readonly", "failing-write", "failing-sync"])
def test_a_disk_that_refuses_stops_its_node_and_not_the_cluster(kind: Any) -> None:
    """It says why, the others go on, and with a good disk it comes back."""
    cluster = new_cluster(seed=6)
    node = follower_of(cluster)
    cluster.apply(DiskFault(node, kind))
    assert post(cluster, "Without it") is AnswerKind.OK
    assert cluster.wait(lambda: cluster.status(node).life == "down", SOON_MS)
    assert "disk failed" in cluster.status(node).error

    cluster.apply(DiskFault(node, "ok"))
    cluster.apply(Restart(node))
    assert cluster.wait(converged(cluster), SOON_MS)

    assert cluster.status(node).error == ""
    assert all_well(cluster)


def test_a_torn_tail_is_cut_and_damage_elsewhere_is_named() -> None:
    """A node comes back from the one and refuses to start from the other."""
    cluster = new_cluster(seed=7)
    assert post(cluster, "A") is AnswerKind.OK
    node = follower_of(cluster)
    cluster.apply(Crash(node))
    cluster.apply(DiskFault(node, "tear", "paxos.txt"))
    cluster.apply(Restart(node))
    assert cluster.wait(converged(cluster), SOON_MS)
    assert any("torn last line" in event.text for event in cluster.events(100))

    cluster.apply(Crash(node))
    cluster.apply(DiskFault(node, "corrupt", "paxos.txt", 1))
    cluster.apply(Restart(node))

    assert cluster.status(node).life == "down"
    assert "paxos.txt, line 1" in cluster.status(node).error


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


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Crash(9), "no node 9"),
        (Restart(1), "only a node that is down"),
        (Resume(1), "not paused"),
        (Partition(((1, 2), (2,))), "stands twice"),
        (CutLink(1, 1), "itself"),
        (MendLink(1, 8), "no node 8"),
        (LinkConditions(LinkRule(drop=0.5), ((1, 7),)), "no node 7"),
        (DiskFault(1, "wipe", "diary.txt"), "no file"),
        (DiskFault(1, "tear", "paxos.txt"), "alive"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(fault: Fault, why: str) -> None:
    """And changes nothing."""
    cluster = new_cluster()
    before = [cluster.status(node) for node in cluster.settings.node_ids]

    with pytest.raises(InputError, match=why):
        cluster.apply(fault)

    assert [cluster.status(node) for node in cluster.settings.node_ids] == before
    assert not any(event.kind == "fault" for event in cluster.events(100))


def test_every_link_fault_is_carried_out() -> None:
    """By the same rules as between real processes."""
    cluster = new_cluster()
    cluster.apply(CutLink(1, 2, one_way=True))
    assert cluster.links.is_cut((1, 2))
    assert not cluster.links.is_cut((2, 1))
    cluster.apply(MendLink(1, 2))
    cluster.apply(LinkConditions(LinkRule(delay_ms=10), ((3, 4),)))
    assert cluster.links.rule((3, 4)).delay_ms == 10
    cluster.apply(ClearConditions())
    assert cluster.links.untouched


def test_the_files_can_be_audited(tmp_path: Path) -> None:
    """Written out, they are what real nodes write."""
    cluster = new_cluster(seed=10)
    for number in range(5):
        assert post(cluster, f"T{number}") is AnswerKind.OK
    comment = Comment(username="bob", title="T1", content="well said")
    assert done(cluster, cluster.submit(1, comment)) is AnswerKind.OK
    cluster.wait(converged(cluster), SOON_MS)

    cluster.copy_files(tmp_path)

    report = verify_directory(tmp_path, cluster.settings.difficulty)
    assert report.ok
    assert [node.height for node in report.nodes] == [cluster.status(1).height] * 5


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
        return Broken(machine, cluster_heap[0])

    cluster_heap: list[Any] = []
    cluster = VirtualCluster(Settings(data="", nodes=1), build=build)
    cluster_heap.append(cluster._heap)

    cluster.wait(lambda: False, 500)

    assert "node 1 met what cannot be" in cluster.check()[SURPRISE]
    assert "a vote above the promise" in cluster.bugs[0]
    assert cluster.status(1).life == "down"


def test_a_closed_cluster_says_so() -> None:
    """Open requests end, and nothing more can be asked."""
    cluster = VirtualCluster(Settings(data=""))
    ticket = cluster.submit(1, Post(username="alice", title="A", content="x"))
    cluster.close()
    cluster.close()

    assert ticket.done
    with pytest.raises(InputError, match="closed"):
        cluster.wait(lambda: True, 1)
