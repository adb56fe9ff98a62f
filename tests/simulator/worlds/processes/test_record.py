"""Real runs are recorded: everything that passes the supervisor, and what nodes do inside."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.checks.trace_check import check_trace
from simulator.cluster.interface import Query
from simulator.cluster.verdicts import violations
from simulator.errors import InputError
from simulator.faults.faults import Crash, Heal, Hold, LinkConditions, Partition, Release, Restart
from simulator.faults.links import LinkRule
from simulator.node.client_api import ClientWrite, NoteLine
from simulator.scenario.session.files import trace_to
from simulator.settings import Settings
from simulator.trace.events import ClientCalled
from simulator.trace.reader import read_trace
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.framed_pipe import LENGTH
from simulator.worlds.processes.recording import Recording
from simulator.worlds.processes.wire import encode_reports
from tests.simulator.worlds.processes.conftest import Start

LONG_MS = 60_000


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ProcessCluster]:
    """Three real nodes, recorded, of which one leads."""
    cluster = ProcessCluster(Settings(nodes=3, data=str(tmp_path / "data")), record=True)
    try:
        assert cluster.wait(lambda: leader(cluster) > 0, LONG_MS)
        yield cluster
    finally:
        cluster.close()


def leader(cluster: ProcessCluster) -> int:
    """The node that leads, 0 when there is none."""
    return next((node for node in (1, 2, 3) if cluster.status(node).role == "leader"), 0)


def write(cluster: ProcessCluster, node: int, title: str) -> None:
    """A post that is waited for."""
    ticket = cluster.submit(node, Post("alice", title, "text"))
    assert cluster.wait(lambda: ticket.done, LONG_MS)


def framed_report(report: NoteLine) -> bytes:
    """The body of a frame with one report."""
    data = encode_reports([report])
    return LENGTH.pack(len(data)) + data


def test_a_real_run_makes_a_trace_that_judges_well(cluster: ProcessCluster, tmp_path: Path) -> None:
    """Writes, reads, a crash, loss and a partition: all of it stands in the trace, and every invariant holds."""
    write(cluster, 1, "first")
    down = leader(cluster)
    cluster.apply(Crash(down))
    cluster.apply(LinkConditions(LinkRule(delay_ms=2, jitter_ms=5, drop=0.1, duplicate=0.1)))
    up = 1 + down % 3
    write(cluster, up, "second")
    cluster.apply(Restart(down))
    cluster.apply(Partition(((down,), (up,))))
    cluster.apply(Heal())
    assert cluster.wait(
        lambda: {cluster.status(node).height for node in (1, 2, 3)} == {cluster.status(up).height}, LONG_MS
    )
    ticket = cluster.read(down, Query(kind="all", linearizable=True))
    assert cluster.wait(lambda: ticket.done, LONG_MS)
    path = tmp_path / "run.jsonl.gz"

    count = trace_to(cluster, str(path))

    kinds = Counter(type(event).__struct_config__.tag for event in read_trace(path).events())
    assert count == sum(kinds.values()) + len(cluster.history()) + 1
    assert set(kinds) == {
        "asked", "told", "sent", "delivered", "lost", "turn", "woken",
        "recovered", "recorded", "synced", "applied", "ended", "struck", "duplicated",
    }  # fmt: skip
    assert kinds["recovered"] == 4
    assert kinds["struck"] == 5
    judged = check_trace(path)
    assert judged.violations == {}
    assert judged.sometimes["leaderships"] >= 2
    assert read_trace(path).history() == list(cluster.history())


def test_check_judges_the_record(cluster: ProcessCluster) -> None:
    """What only the record tells (promises, proposals, decisions) is among the verdicts, again and again."""
    for title in ("first", "second"):
        write(cluster, 1, title)
        verdicts = cluster.check()
        assert set(verdicts.values()) == {"ok"}
        assert {"promise", "proposal", "decision", "agreement"} <= set(verdicts)


def test_held_messages_are_delivered_under_their_numbers(cluster: ProcessCluster) -> None:
    """Nothing is decided on messages that have not arrived; what a person delivers is told as delivered."""
    cluster.apply(Hold())
    ticket = cluster.submit(leader(cluster), Post("alice", "held", "text"))
    assert cluster.wait(lambda: len(cluster.held()) > 2, LONG_MS)
    cluster.apply(Release())
    assert cluster.wait(lambda: ticket.done, LONG_MS)

    assert set(cluster.check().values()) == {"ok"}


def test_a_second_run_on_the_same_files_is_judged_too(cluster: ProcessCluster) -> None:
    """Chains from before are taken as they are."""
    write(cluster, 1, "before")
    cluster.close()

    again = ProcessCluster(cluster.settings, record=True)
    try:
        assert again.wait(lambda: leader(again) > 0, LONG_MS)
        write(again, 1, "after")
        assert set(again.check().values()) == {"ok"}
    finally:
        again.close()


def test_without_a_record_there_is_no_trace(start: Start, tmp_path: Path) -> None:
    """A sentence says so, and no file is begun."""
    with pytest.raises(InputError, match="keeps no record"):
        trace_to(start(), str(tmp_path / "run.jsonl"))

    assert not (tmp_path / "run.jsonl").exists()


def test_a_recording_that_is_full_keeps_the_beginning() -> None:
    """And says why it stopped; what it holds can still be read."""
    recording = Recording(most_bytes=300)
    note = framed_report(NoteLine("kind", "x" * 80))
    for at_ms in range(9):
        recording.reported(at_ms, 1, note)
        recording.end()

    times = [event.at_ms for event in recording.read(0, recording.end())]

    assert 0 < len(times) < 9
    assert times == list(range(len(times)))
    assert "reached its bound" in recording.cut
    assert recording.extent().held_ms == times[-1]


def test_a_full_disk_ends_the_recording_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before can be read, and what follows is no error. The end is reported once."""
    recording, reasons = Recording(), list[str]()
    recording.ended_early = reasons.append
    note = framed_report(NoteLine("kind", "x" * 1_000))
    recording.reported(0, 1, note)
    end = recording.end()
    real_write, room = os.write, [50]

    def write_a_little(fd: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(fd, data[: room.pop()])

    monkeypatch.setattr(os, "write", write_a_little)
    for at_ms in range(1, 600):
        recording.reported(at_ms, 1, note)

    assert reasons == ["it cannot be written: No space left on device"]
    assert recording.cut == reasons[0]
    assert recording.end() == end
    assert [event.at_ms for event in recording.read(0, recording.end())] == [0]


def test_without_a_place_for_the_recording_the_lab_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`TMPDIR` may lead nowhere, and /tmp may be full before the lab starts."""

    def none(**_options: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryFile", none)

    cluster = ProcessCluster(Settings(nodes=3, data=str(tmp_path / "data")), record=True)
    try:
        assert "there is no place for its file" in cluster.warnings()[0]
        assert cluster.wait(lambda: leader(cluster) > 0, LONG_MS)
        write(cluster, 1, "first")
        verdicts = cluster.check()
        assert {"promise", "agreement", "durability"} <= set(verdicts)
        assert all(why.startswith("unknown beyond 0.0 s: the recording of this run ended") for why in verdicts.values())
        assert not violations(verdicts)
    finally:
        cluster.close()


def test_questions_of_people_are_no_events(cluster: ProcessCluster, tmp_path: Path) -> None:
    """They travel with the calls of clients, and the trace holds those alone."""
    assert cluster.status(1, detail=True).node == 1
    write(cluster, 1, "a title")
    path = tmp_path / "run.jsonl"
    trace_to(cluster, str(path))

    calls = [event.call for event in read_trace(path).events() if isinstance(event, ClientCalled)]
    assert [type(call) for call in calls] == [ClientWrite]
