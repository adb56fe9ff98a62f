"""The cluster of real processes over nodes without a protocol: the supervisor, its faults, and the face of it all."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.cluster.interface import AnswerKind, Query
from simulator.errors import DirectoryHeld, InputError
from simulator.faults.faults import (
    ClockFault,
    Crash,
    CutLink,
    DeliverHeld,
    Fault,
    Heal,
    Hold,
    LinkConditions,
    Partition,
    Pause,
    Release,
    Restart,
    Resume,
)
from simulator.faults.links import LinkRule
from simulator.settings import Settings
from simulator.worlds.processes.cluster import ProcessCluster
from tests.simulator.worlds.processes.conftest import Start

POST = Post("alice", "Hello", "first")
SOON_MS = 20_000


def write(cluster: ProcessCluster, node: int = 1, content: str = "first") -> AnswerKind:
    """A write that is waited for."""
    ticket = cluster.submit(node, Post("alice", "Hello", content))
    assert cluster.wait(lambda: ticket.done, SOON_MS)
    assert ticket.answer is not None
    return ticket.answer.kind


def heights(cluster: ProcessCluster) -> list[int]:
    """How many writes each node holds, as the supervisor knows it."""
    return [cluster.status(node).height for node in cluster.settings.node_ids]


def test_a_write_reaches_every_node_and_its_answer_the_client(start: Start) -> None:
    """The way from the client to a majority of disks and back, and to all nodes in the end."""
    cluster = start()

    assert write(cluster, 2) is AnswerKind.OK
    assert cluster.wait(lambda: heights(cluster) == [1, 1, 1], SOON_MS)
    assert [event.type for event in cluster.history()] == ["invoke", "ok"]
    assert len(cluster.chain_lines(3, 1, 9)) == 1


def test_a_state_is_never_older_than_an_answer_of_that_node(start: Start) -> None:
    """Who has seen the answer to a write sees the write in the next picture, without waiting."""
    cluster = start()

    for count in range(1, 30):
        write(cluster, 1)
        assert cluster.status(1).height == count


def test_kill_9_from_another_shell_harms_nobody_else(start: Start) -> None:
    """The others go on, the node is shown as down, and a restart brings its files back."""
    cluster = start()
    write(cluster)
    cluster.wait(lambda: heights(cluster) == [1, 1, 1], SOON_MS)
    pid = cluster.pid(3)
    assert pid is not None

    os.kill(pid, signal.SIGKILL)

    assert cluster.wait(lambda: cluster.status(3).life == "down", SOON_MS)
    assert write(cluster) is AnswerKind.OK
    assert "SIGKILL" in cluster.events(9)[-1].text
    cluster.apply(Restart(3))
    assert cluster.wait(lambda: "node 3 started with 1 lines" in [e.text for e in cluster.events(99)], SOON_MS)
    assert cluster.status(3).life == "up"


def test_a_node_that_stands_still_holds_up_nobody(start: Start) -> None:
    """SIGSTOP: others go on, the supervisor never waits for it; when it goes on, it has missed nothing."""
    cluster = start()
    cluster.apply(Pause(2))
    big = "x" * 60_000

    for _ in range(60):  # More than its queue holds.
        assert write(cluster, 1, big) is AnswerKind.OK
    waiting = cluster.submit(2, POST)

    assert cluster.backlog(2)[0] > 1_000_000
    assert (cluster.status(2).life, waiting.done) == ("paused", False)
    cluster.apply(Resume(2))
    assert cluster.wait(lambda: waiting.done and heights(cluster) == [61, 61, 61], SOON_MS)
    assert cluster.backlog(2) == (0, 0)


def test_a_client_of_a_node_that_dies_hears_of_it(start: Start) -> None:
    """An unanswered write has an unknown fate; one for a node that is already down was never sent."""
    cluster = start()
    cluster.apply(Pause(1))
    lost = cluster.submit(1, POST)

    cluster.apply(Crash(1))
    unsent = cluster.submit(1, POST)

    assert lost.answer is not None
    assert unsent.answer is not None
    assert (lost.answer.kind, lost.answer.sent) == (AnswerKind.TIMEOUT, True)
    assert (unsent.answer.kind, unsent.answer.sent) == (AnswerKind.TIMEOUT, False)
    assert [event.type for event in cluster.history()] == ["invoke", "info", "invoke", "fail"]


def test_nothing_crosses_a_partition(start: Start) -> None:
    """A side without a majority gets no copies out; a healed link carries what is sent from then on."""
    cluster = start()
    cluster.apply(Partition(((1,), (2, 3))))
    alone = cluster.submit(1, POST)

    assert write(cluster, 2) is AnswerKind.OK
    assert cluster.wait(lambda: heights(cluster) == [1, 1, 1], SOON_MS)
    assert not alone.done
    assert cluster.link_counts()[1, 2] == (0, 1)
    cluster.apply(Heal())
    assert write(cluster, 1) is AnswerKind.OK


def test_a_link_may_fail_one_way(start: Start) -> None:
    """What node 1 sends to node 2 is lost; the way back is whole."""
    cluster = start(nodes=2)
    cluster.apply(CutLink(1, 2, one_way=True))

    lost = cluster.submit(1, POST)
    kept_but_not_acknowledged = cluster.submit(2, POST)

    assert cluster.wait(lambda: heights(cluster) == [2, 1], SOON_MS)
    assert not lost.done
    assert not kept_but_not_acknowledged.done


def test_a_slow_link_holds_messages_for_as_long_as_it_says(start: Start) -> None:
    """What is under way is counted, and arrives."""
    cluster = start()
    cluster.apply(LinkConditions(rule=LinkRule(delay_ms=300)))

    ticket = cluster.submit(1, POST)

    assert cluster.wait(lambda: cluster.in_flight() == 2 or ticket.done, SOON_MS)
    assert cluster.wait(lambda: ticket.done, SOON_MS)
    assert ticket.answered_ms is not None
    assert ticket.answered_ms - ticket.asked_ms >= 600


def test_held_messages_go_when_a_person_says_so(start: Start) -> None:
    """One by its number, those of a link, or all; `Release` ends the holding."""
    cluster = start()
    cluster.apply(Hold())
    ticket = cluster.submit(1, POST)
    assert cluster.wait(lambda: len(cluster.held()) == 2, SOON_MS)

    first = cluster.held()[0]
    cluster.apply(DeliverHeld(number=first.number))
    assert cluster.wait(lambda: cluster.held()[-1].target == 1, SOON_MS)

    assert (first.source, first.target, first.text) == (1, 2, "FORWARD from 1 requests 1")
    assert not ticket.done
    cluster.apply(DeliverHeld(link=(2, 1)))
    assert cluster.wait(lambda: ticket.done, SOON_MS)
    cluster.apply(Release())
    assert write(cluster) is AnswerKind.OK
    assert cluster.held() == []


def test_a_bug_in_one_node_ends_that_node_and_is_told(start: Start) -> None:
    """The supervisor shows why; the trace stands in the node's log file; the others go on."""
    cluster = start()

    dying = cluster.submit(3, Post("alice", "Hello", "die"))
    cluster.wait(lambda: cluster.status(3).life == "down" and dying.done, SOON_MS)

    assert "ValueError: told to die" in cluster.status(3).error
    assert "Traceback" in (Path(cluster.settings.data) / "node-3" / "node.log").read_text()
    assert write(cluster) is AnswerKind.OK


def test_requests_made_together_leave_together(start: Start) -> None:
    """Many clients at once cost one frame a node."""
    cluster = start()

    with cluster.together():
        tickets = [cluster.submit(1 + number % 3, POST) for number in range(300)]
        assert not any(ticket.done for ticket in tickets)

    assert cluster.wait(lambda: all(ticket.done for ticket in tickets), SOON_MS)
    assert cluster.wait(lambda: heights(cluster) == [300, 300, 300], SOON_MS)


def test_a_wait_for_nothing_asks_hardly_ever(start: Start) -> None:
    """Whoever waits sleeps until something changes: an idle cluster is not asked again and again."""
    cluster = start()
    write(cluster)
    cluster.wait(lambda: heights(cluster) == [1, 1, 1], SOON_MS)
    asked = 0

    def never() -> bool:
        nonlocal asked
        asked += 1
        return False

    assert not cluster.wait(never, 300)
    assert asked < 10


def test_messages_and_answers_stand_in_the_running_log(start: Start) -> None:
    """They can be switched on for a person who watches."""
    cluster = start()
    cluster.watch_messages(on=True)

    write(cluster)
    cluster.wait(lambda: any(event.kind == "answer" for event in cluster.events(99)), SOON_MS)

    log = [event for event in cluster.events(99) if event.kind in {"sent", "answer"}]
    assert (log[0].node, log[0].to, log[0].text) == (1, (2, 3), "→ 2,3  FORWARD from 1 requests 1")
    assert any(event.kind == "answer" for event in log)


def test_a_directory_belongs_to_one_lab(start: Start) -> None:
    """A second lab is refused while the first runs, and welcome afterwards."""
    cluster = start()
    write(cluster)

    with pytest.raises(DirectoryHeld):
        ProcessCluster(Settings(data=cluster.settings.data))
    cluster.close()
    again = start()

    assert again.wait(lambda: heights(again)[0] == 1, SOON_MS)


def test_fresh_empties_the_nodes_directories(start: Start) -> None:
    """Nothing is wiped but what nodes wrote."""
    cluster = start()
    write(cluster)
    cluster.close()
    other = Path(cluster.settings.data) / "notes.txt"
    other.write_text("mine")

    again = start(fresh=True)
    again.wait(lambda: len(again.events(9)) >= 3, SOON_MS)

    assert heights(again) == [0, 0, 0]
    assert other.read_text() == "mine"


def test_a_cluster_does_not_shrink_on_its_files(start: Start) -> None:
    """A majority of three may miss a majority of five, so fewer nodes than there are files is refused."""
    cluster = start(nodes=3)
    assert cluster.wait(lambda: len(cluster.events(9)) >= 3, SOON_MS)
    cluster.close()

    with pytest.raises(InputError, match="holds a node 3, and 2 nodes were asked for"):
        start(nodes=2)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Crash(2), "Node 2 is down."),
        (Restart(1), "Node 1 is up"),
        (Resume(1), "Node 1 is not paused"),
        (Pause(9), "There is no node 9: this cluster has nodes 1 to 3."),
        (CutLink(1, 1), "no link from node 1 to itself"),
        (Partition(((1, 2), (2,))), "Node 2 stands twice"),
        (DeliverHeld(number=4), "No message number 4 is held"),
        (ClockFault(1), "for the virtual world"),
        (Crash(1, "before-sync"), "for the virtual world"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(start: Start, fault: Fault, why: str) -> None:
    """A fault that makes no sense changes nothing."""
    cluster = start()
    cluster.apply(Crash(2))

    with pytest.raises(InputError, match=why):
        cluster.apply(fault)

    assert [cluster.status(node).life for node in (1, 2, 3)] == ["up", "down", "up"]


def test_text_that_the_blog_does_not_take_never_leaves(start: Start) -> None:
    """It is refused before it enters the protocol, and no client has asked for anything."""
    cluster = start()

    with pytest.raises(InputError):
        cluster.submit(1, Post("alice", "  ", "no title"))

    assert cluster.history() == []


def test_a_closed_cluster_says_so(start: Start) -> None:
    """Open requests end, also those of a node that stands still; later ones are refused; closing twice is no harm."""
    cluster = start()
    cluster.apply(Pause(1))
    ticket = cluster.submit(1, POST)
    read = cluster.read(1, Query(kind="all"))

    cluster.close()
    cluster.close()

    assert ticket.answer is not None
    assert ticket.answer.text == "TIMEOUT: the cluster was closed"
    assert read.done
    with pytest.raises(InputError):
        cluster.submit(1, POST)
