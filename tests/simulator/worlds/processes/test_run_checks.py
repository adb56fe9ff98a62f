"""Runs are judged in a stream: beside the run in a process of its own, and honestly when the record has an end."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest

from blog.operations import Comment, Post
from simulator.cluster.client_sessions import ClientBook
from simulator.cluster.history_store import HistoryList
from simulator.cluster.interface import Query, Ticket
from simulator.cluster.verdicts import is_unknown
from simulator.faults.faults import Crash, Restart
from simulator.node.client_api import ReadAnswer, WriteAnswer
from simulator.settings import Settings
from simulator.worlds.processes import recording as recordings
from simulator.worlds.processes import run_checks
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.recording import Extent, RecordedHistory, Recording
from simulator.worlds.processes.recording_reader import end_of_chunk
from simulator.worlds.processes.run_checker import RunChecker

LONG_MS = 60_000


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessCluster]:
    """Three real nodes, recorded; a process of its own checks them from the first kilobyte on."""
    monkeypatch.setattr(recordings, "CHUNK_BYTES", 1 << 10)
    monkeypatch.setattr(run_checks, "SHORT_BYTES", 1)
    cluster = ProcessCluster(Settings(nodes=3, data=str(tmp_path / "data")), record=True)
    try:
        assert cluster.wait(lambda: checking() is not None, LONG_MS)
        yield cluster
    finally:
        cluster.close()
    assert checking() is None


def checking() -> BaseProcess | None:
    """The process that checks, if there is one."""
    return next((one for one in multiprocessing.active_children() if one.name == "paxsim-checks"), None)


def write(cluster: ProcessCluster, title: str) -> None:
    """A post and a read that are waited for."""
    ticket = cluster.submit(1, Post("alice", title, "text"))
    assert cluster.wait(lambda: ticket.done, LONG_MS)
    view = cluster.read(2, Query(kind="any", name="alice", linearizable=True))
    assert cluster.wait(lambda: view.done, LONG_MS)


def test_a_process_of_its_own_judges_a_long_run(cluster: ProcessCluster) -> None:
    """Again and again, with a node that goes down and comes back: the verdicts are those of a short run."""
    write(cluster, "first")
    verdicts = cluster.check()
    assert {"promise", "agreement", "linearizability"} <= set(verdicts)
    cluster.apply(Crash(3))
    write(cluster, "second")
    cluster.apply(Restart(3))
    write(cluster, "third")

    assert cluster.check() == dict.fromkeys(verdicts, "ok")
    assert [event.f for event in cluster.history()][2::2] == ["view_user", "post", "view_user", "post", "view_user"]


def test_the_process_finds_what_is_wrong(cluster: ProcessCluster) -> None:
    """A forged chain is found in the files, and stays found."""
    write(cluster, "first")
    assert cluster.wait(lambda: bool(cluster.chain_lines(3, 1, 1)), LONG_MS)
    cluster.apply(Crash(3))
    chain = Path(cluster.settings.data) / "node-3" / "blockchain.txt"
    forged = chain.read_text().replace("alice", "mallory")
    chain.unlink()
    chain.write_text(forged)

    found = cluster.check()["chain"]
    assert "node 3" in found
    chain.unlink()
    assert cluster.check()["chain"] == found


def test_another_process_takes_over_when_the_first_one_has_ended(cluster: ProcessCluster) -> None:
    """It begins with the beginning of the run."""
    write(cluster, "first")
    first = checking()
    assert first is not None
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    first.join()

    assert set(cluster.check().values()) == {"ok"}
    second = checking()
    assert second is not None
    assert second.pid != first.pid


def test_what_follows_the_end_of_the_recording_is_unknown(tmp_path: Path) -> None:
    """And never ok; what is violated stays violated."""
    settings = Settings(nodes=2, data=str(tmp_path))
    for node in settings.node_ids:
        (tmp_path / f"node-{node}").mkdir()
    (tmp_path / "node-2" / "blockchain.txt").write_text("no block\n")
    checker = RunChecker(settings, "run", -1, whole=True)
    end = Extent(0, held_ms=1_540, cut="it reached its bound of 1024 MiB")

    verdicts = checker.verdicts(end, lambda: end)

    assert "node 2" in verdicts.pop("chain")
    assert set(verdicts.values()) == {
        "unknown beyond 1.5 s: the recording of this run ended: it reached its bound of 1024 MiB"
    }
    assert all(is_unknown(why) for why in verdicts.values())


def test_a_history_on_disk_is_the_one_in_memory() -> None:
    """Calls that only their answers explain are corrected, however many are under way."""
    dice, now = Random(1), [0]
    recording = Recording()
    memory = ClientBook("run", lambda: now[0], HistoryList())
    disk = ClientBook("run", lambda: now[0], RecordedHistory(recording, lambda: now[0]))
    for clients in (memory, disk):
        dice.seed(1)
        now[0] = 0
        under_way: list[Ticket] = []
        for step in range(400):
            now[0] += dice.randrange(3)
            under_way.append(ask(clients, dice))
            if step == 200:
                clients.begins_anew(1)
            while len(under_way) > 20 or (under_way and dice.random() < 0.3):
                answer(clients, under_way.pop(dice.randrange(len(under_way))), dice)

    assert disk.history() == memory.history()
    assert len(memory.history()) > 700


def ask(clients: ClientBook, dice: Random) -> Ticket:
    """A request of any kind."""
    title, linearizable = f"title-{dice.randrange(9)}", dice.random() < 0.5
    if dice.random() < 0.5:
        return clients.read(dice.choice([1, 2]), Query(kind="any", name=title, linearizable=linearizable))[0]
    operation = Post("alice", title, "text") if dice.random() < 0.5 else Comment("bob", title, "text")
    return clients.write(1, operation)[0]


def answer(clients: ClientBook, ticket: Ticket, dice: Random) -> None:
    """Its answer, or none."""
    choice = dice.random()
    if choice < 0.2:
        clients.give_up(ticket, "no answer", sent=choice < 0.1)
    elif isinstance(ticket.request, Query):
        shown, result = dice.choice([("view_user", []), ("view_title", "not found")])
        clients.read_answered(ReadAnswer(ticket.number, "ok", "", result, shown, 1))
    else:
        clients.write_answered(WriteAnswer(ticket.client, ticket.seq, dice.choice(["ok", "refused"]), "", 1))


def test_the_recording_is_followed_chunk_by_chunk(tmp_path: Path) -> None:
    """One look takes one chunk, so that the process can rest between two; the verdicts are those of a whole reading."""
    recording = Recording()
    book = ClientBook("run", lambda: 0, RecordedHistory(recording, lambda: 0))
    ends = [0]
    for number in range(3):
        book.read(1, Query(kind="user", name=f"user {number}", linearizable=True))
        ends.append(recording.end())
    assert recording.fd is not None
    checker = RunChecker(Settings(nodes=3, data=str(tmp_path)), "run", recording.fd, whole=True)

    assert [checker.follow(ends[-1]) for _ in range(4)] == [True, True, False, False]
    assert [end_of_chunk(recording.fd, begin, ends[-1]) for begin in ends] == [*ends[1:], ends[-1]]
    assert end_of_chunk(recording.fd, 0, ends[1] - 1) == 0  # It is not whole yet.
