"""The cluster of real processes over nodes without a protocol: the supervisor, its faults, and the face of it all."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.cluster.interface import AnswerKind
from simulator.errors import DirectoryHeld, InputError
from simulator.faults.faults import (
    ClockFault,
    Crash,
    Fault,
    KeepCopies,
    Pause,
    Restart,
    Resume,
)
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


@pytest.mark.parametrize("fault", [ClockFault(1), Crash(1, "before-sync"), KeepCopies("promise")])
def test_a_fault_of_the_virtual_world_is_refused(start: Start, fault: Fault) -> None:
    """Real clocks and moments inside a process cannot be controlled."""
    cluster = start()

    with pytest.raises(InputError, match="for the virtual world"):
        cluster.apply(fault)

    assert [cluster.status(node).life for node in (1, 2, 3)] == ["up", "up", "up"]


def test_a_node_that_ends_unasked_is_told_of(start: Start) -> None:
    """With the reason. One that a person crashed is not."""
    cluster = start(nodes=3)
    assert cluster.wait(lambda: len(cluster.events(9)) >= 3, SOON_MS)
    cluster.apply(Crash(1))
    pid = cluster.pid(2)
    assert pid is not None

    os.kill(pid, signal.SIGKILL)

    assert cluster.wait(lambda: bool(cluster.warnings()), SOON_MS)
    assert cluster.warnings()[0].startswith("node 2 is down: killed by SIGKILL, and nobody asked for it")
    assert cluster.warnings(after=1) == []


def test_what_fresh_deletes_is_told(start: Start) -> None:
    """In one line, and not at a start that finds nothing."""
    cluster = start()
    write(cluster)
    cluster.close()
    assert cluster.warnings() == []

    assert "--fresh: deleted the files of nodes 1 to 3" in start(fresh=True).warnings()[0]


def test_a_wait_ends_in_time_though_something_changes_all_the_time(start: Start) -> None:
    """Under load each look at the condition finds something new: the clock is looked at nevertheless."""
    cluster = start()
    looks = 0

    def changing() -> bool:
        nonlocal looks
        looks += 1
        ticket = cluster.submit(1, Post("alice", f"{looks}", "x"))
        return looks > 100_000 or ticket is None

    assert not cluster.wait(changing, 100)


def test_a_lock_that_an_interrupt_left_taken_does_not_keep_a_cluster_from_closing(start: Start) -> None:
    """Ctrl-C may come between taking the supervisor's lock and the statement that would release it."""
    cluster = start(nodes=1)
    assert cluster.wait(lambda: cluster.status(1).life == "up", 20_000)
    lock = cluster._supervisor.lock
    lock.acquire()
    lock.acquire()

    cluster.close()

    with pytest.raises(RuntimeError):
        lock.release()
