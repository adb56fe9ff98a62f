"""Traces: reading gives back what was written, equal runs give equal bytes, and every malformed line is named."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from blog.operations import Post
from paxos.ballot import NO_BALLOT
from paxos.effects import Timer
from paxos.messages import PreVote
from simulator.checks.command import check_files
from simulator.checks.trace_check import check_trace
from simulator.cluster.history import Event as HistoryEvent
from simulator.cluster.interface import Query
from simulator.errors import InputError
from simulator.faults.faults import Crash, Heal, Hold, LinkConditions, Partition, Restart
from simulator.faults.links import LinkRule
from simulator.node.client_api import NoteLine
from simulator.scenario.session.files import trace_to, write_lines
from simulator.settings import Settings
from simulator.trace.events import (
    BlocksApplied,
    Event,
    FaultInjected,
    IncarnationEnded,
    MessageDelivered,
    MessageDuplicated,
    MessageHeld,
    MessageLost,
    MessageSent,
    NodeReported,
    RecordsAppended,
    TimerFired,
)
from simulator.trace.format import AnyLine, Header, History, header_for
from simulator.trace.observer import replay
from simulator.trace.reader import is_trace, read_trace
from simulator.trace.recorder import TraceRecorder
from simulator.trace.writer import trace_lines
from simulator.worlds.virtual.cluster import VirtualCluster
from tests.simulator.checks.scene import B1, Scene, X

PAGE = Path(__file__).parent.parent.parent.parent / "docs" / "trace.md"


def stormy_run(seed: int = 3) -> tuple[VirtualCluster, TraceRecorder]:
    """A few writes and reads among crashes, loss and duplicates, with a recorder."""
    recorder = TraceRecorder()
    cluster = VirtualCluster(Settings(nodes=3, seed=seed, data="somewhere"), observers=(recorder,))
    cluster.run(1_000)
    cluster.apply(LinkConditions(LinkRule(delay_ms=5, jitter_ms=20, drop=0.1, duplicate=0.1)))
    for number in range(12):
        cluster.submit(1 + number % 3, Post("ann", f"t{number}", "text"))
        cluster.read(1, Query(kind="all", linearizable=number % 2 == 0))
        cluster.run(cluster.now_ms() + 100)
        if number == 4:
            cluster.apply(Crash(2))
        if number == 7:
            cluster.apply(Restart(2))
            cluster.apply(Partition(((1,), (2, 3))))
    cluster.apply(Heal())
    cluster.run(cluster.now_ms() + 3_000)
    return cluster, recorder


def written(cluster: VirtualCluster, recorder: TraceRecorder, path: Path) -> Path:
    """The run as a file."""
    header = header_for(cluster.settings, "virtual", "paxsim explore --start 3 --seeds 1")
    write_lines(str(path), trace_lines(header, recorder.events(), cluster.history()))
    return path


@pytest.fixture(scope="module")
def run() -> tuple[VirtualCluster, TraceRecorder]:
    """One run for all tests that do not change it."""
    return stormy_run()


def test_what_is_written_is_read_back(run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path) -> None:
    """Every event of the world, with every field, and the history."""
    cluster, recorder = run

    trace = read_trace(written(cluster, recorder, tmp_path / "run.jsonl"))

    assert [msgspec.structs.replace(event, clock=0) for event in trace.events()] == list(recorder.events())
    assert trace.history() == list(cluster.history())
    assert {type(event) for event in recorder.events()} >= {
        MessageDelivered,
        MessageLost,
        RecordsAppended,
        BlocksApplied,
        IncarnationEnded,
        FaultInjected,
    }
    assert (trace.header.seed, trace.header.to_settings().nodes) == (3, 3)


def test_a_trace_judges_as_the_run_did(run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path) -> None:
    """The checker gives the same verdicts and counts."""
    cluster, recorder = run

    judged = check_trace(written(cluster, recorder, tmp_path / "run.jsonl"))

    assert judged.verdicts() == cluster.checker.verdicts()
    assert judged.sometimes == cluster.checker.sometimes
    assert judged.replay == "paxsim explore --start 3 --seeds 1"


def test_a_violation_is_found_in_a_trace_too(tmp_path: Path) -> None:
    """A decided prefix without a majority is recorded, written, read and checked."""
    scene = Scene()
    recorder = TraceRecorder()
    scene.checker = recorder  # type: ignore[assignment]  # The scene speaks to any observer.
    for node in (1, 2, 3):
        scene.recovers(node)
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.decides(B1, 1)
    path = tmp_path / "bad.jsonl"

    write_lines(str(path), trace_lines(header_for(scene.settings, "virtual"), recorder.events()))

    assert list(check_trace(path).violations) == ["decision"]


def test_the_same_run_gives_the_same_bytes(run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path) -> None:
    """A second run of the seed, plain and gzipped."""
    for name in ("a.jsonl", "a.jsonl.gz"):
        first = written(*run, tmp_path / name)
        second = written(*stormy_run(), tmp_path / f"again-{name}")

        assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()) == (tmp_path / "a.jsonl").read_bytes()
    assert b"somewhere" not in (tmp_path / "a.jsonl").read_bytes()


def test_a_gzipped_trace_is_read_whatever_its_name(run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path) -> None:
    """The content decides, not the name."""
    packed = written(*run, tmp_path / "run.jsonl.gz").rename(tmp_path / "run.txt")

    assert is_trace(packed)
    assert read_trace(packed).history() == list(run[0].history())


def test_stamps_grow_along_every_cause(run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path) -> None:
    """At each node, and from each sending to each delivery."""
    clocks: dict[int, int] = {}
    sent: dict[int, int] = {}
    deliveries = 0
    for line in read_trace(written(*run, tmp_path / "run.jsonl")).lines():
        if isinstance(line, MessageSent):
            sent[line.number] = line.clock
        if isinstance(line, MessageDelivered):
            deliveries += 1
            assert line.clock > sent[line.number]
            assert line.message is not None
        if not isinstance(line, History):
            assert line.clock >= clocks.get(line.node, 0)
            clocks[line.node] = line.clock

    assert deliveries > 100


def test_times_never_go_back(run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path) -> None:
    """The lines of the history are at their times."""
    times = [line.at_ms for line in read_trace(written(*run, tmp_path / "run.jsonl")).lines()]

    assert times == sorted(times)


def test_a_cluster_writes_its_trace(run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path) -> None:
    """As `trace FILE` and `--trace` do."""
    path = tmp_path / "run.jsonl"

    count = trace_to(run[0], str(path))

    assert count == len(path.read_text().splitlines())
    assert check_trace(path).violations == {}


def test_past_its_bound_a_recorder_keeps_the_beginning(tmp_path: Path) -> None:
    """The last line states that the end is missing."""
    recorder = TraceRecorder(most_events=2)
    for at_ms in range(5):
        recorder.observe(TimerFired(at_ms=at_ms, node=1, timer=Timer.HEARTBEAT))
    path = tmp_path / "cut.jsonl"

    write_lines(str(path), trace_lines(header_for(Settings(), "virtual"), recorder.events(), cut=recorder.cut))

    last = json.loads(path.read_text().splitlines()[-1])
    assert (len(recorder), last) == (2, {"event": "cut", "at_ms": 1, "why": "the bound of 2 events was reached"})
    verdicts = set(check_trace(path).verdicts().values())
    assert verdicts == {"unknown beyond 0.0 s: the record of the run ends there: the bound of 2 events was reached"}
    [judged] = check_files([str(path)], invariants=lambda *named: check_trace(*named).unknown)
    assert (judged["verdict"], judged["why"]) == ("unknown", f"{verdicts.pop()}.")
    assert [event.at_ms for event in read_trace(path).events()] == [0, 1]


def test_history_alone_makes_a_trace() -> None:
    """A run without recorded events still has its clients' history."""
    event = HistoryEvent(process=1, type="invoke", f="post", value=["a", "b", "c"], time=7)

    lines = list(trace_lines(header_for(Settings(), "virtual"), (), [event]))

    assert json.loads(lines[1]) == {
        "event": "history",
        "at_ms": 7,
        "entry": {"process": 1, "type": "invoke", "f": "post", "value": ["a", "b", "c"], "time": 7},
    }


def test_a_replay_calls_every_observer(run: tuple[VirtualCluster, TraceRecorder]) -> None:
    """In the same order, with equal events."""
    again = TraceRecorder()

    replay(run[1].events(), again)

    assert list(again.events()) == list(run[1].events())


GOOD = '{"trace":2,"world":"virtual","seed":0,"settings":{"nodes":3}}'


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "line 1: a trace begins with its header"),
        ("nonsense", "line 1: a trace begins with its header"),
        ('{"process":0,"type":"invoke","f":"post"}', "line 1: a trace begins with its header"),
        (
            GOOD.replace(":2,", ":9,", 1),
            "line 1: this is a trace of version 9, and only versions 1 and 2 and 3 and 4 can be",
        ),
        (GOOD.replace("3", "300"), "line 1: its settings are none of a cluster"),
        (f"{GOOD}\n\n", "line 2: no event of a trace"),
        (f'{GOOD}\n{{"event":"woken","at_ms":1,"node":1,"timer":"heartbeat"}}\n{{"event":"wok\n', "line 3: no event"),
        (f'{GOOD}\n{{"event":"flew","at_ms":1}}', "line 2: no event of a trace"),
        (
            f'{GOOD}\n{{"event":"delivered","at_ms":1,"node":1,"source":2,"number":9}}',
            "message 9 arrives and was never",
        ),
        (f'{GOOD}\n{{"event":"applied","at_ms":1,"node":1,"blocks":[4]}}', "block 4 is meant, and no line before"),
        (
            f'{GOOD}\n{{"event":"woken","at_ms":1,"timer":"heartbeat"}}',
            "line 2: it names node 0, and the nodes of this",
        ),
        (
            f'{GOOD}\n{{"event":"sent","at_ms":1,"node":9,"to":[1],"number":1,"message":[7,1,[1,1],1,1]}}',
            "names node 9",
        ),
        (
            f'{GOOD}\n{{"event":"sent","at_ms":1,"node":1,"to":[4],"number":1,"message":[7,1,[1,1],1,1]}}',
            "names node 4",
        ),
        (
            f'{GOOD}\n{{"event":"sent","at_ms":1,"node":1,"to":[2],"number":1,"message":[7,1,[1,8],1,1]}}',
            "names node 8",
        ),
        (
            f'{GOOD}\n{{"event":"woken","at_ms":{1 << 60},"node":1,"timer":"heartbeat"}}',
            "line 2: it holds a number bey",
        ),
        (GOOD.replace('{"nodes":3}', '{"nodes":3},"accept_quorum":4'), "line 1: a quorum of 4 of 3 nodes is none"),
        (f"{GOOD}\n" + "[" * 100_000, "line 2: no event of a trace"),
        (f"{GOOD}\n\udcff", "line 2: no event of a trace"),
    ],
)
def test_every_malformed_line_is_named(tmp_path: Path, text: str, mistake: str) -> None:
    """One sentence with the file, the line and the mistake."""
    path = tmp_path / "bad.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(InputError) as error:
        list(read_trace(path).lines())

    assert str(path) in str(error.value)
    assert mistake in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, a directory, or gzipped and cut short."""
    torn = tmp_path / "torn.gz"
    torn.write_bytes(gzip.compress(GOOD.encode() * 1_000)[:40])

    for path in (tmp_path / "missing", tmp_path, torn):
        with pytest.raises(InputError, match=re.escape(repr(str(path)))):
            read_trace(path)


def test_a_history_is_no_trace(tmp_path: Path) -> None:
    """`paxsim check` reads both and must distinguish them."""
    history = tmp_path / "history.jsonl"
    history.write_text('{"process":0,"type":"invoke","f":"post"}\n')

    assert not is_trace(history)


def test_the_page_has_every_kind_of_line_and_every_field() -> None:
    """People write their own tools with docs/trace.md."""
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|([^|]*)\|", page, re.MULTILINE))
    common = set(Event.__struct_fields__) | {"message"}  # What arrives is named by its number.

    for kind in get_args(AnyLine):
        fields = set(kind.__struct_fields__) - common | ({"message"} if kind is MessageSent else set())
        assert set(re.findall(r"`(\w+)`", rows[kind.__struct_config__.tag])) == fields
    for field in Header.__struct_fields__:
        assert f"`{field}`" in page


def test_a_recorder_keeps_what_it_is_given() -> None:
    """A log line is kept unchanged."""
    recorder = TraceRecorder()

    note = NodeReported(at_ms=1, node=2, report=NoteLine("kind", "text"))

    recorder.observe(note)

    assert list(recorder.events()) == [note]


def test_a_trace_of_version_1_is_still_read(tmp_path: Path) -> None:
    """Its messages have the same numbers and fields; only two of them had other names."""
    path = tmp_path / "old.jsonl"
    asked = '{"event":"sent","at_ms":1,"node":1,"clock":1,"to":[2],"number":1,"message":[1,1,5,0,[0,0]]}'
    path.write_text(f"{GOOD.replace(':2,', ':1,', 1)}\n{asked}\n")

    (event,) = read_trace(path).events()

    assert isinstance(event, MessageSent)
    assert event.message == PreVote(sender=1, stamp=5, decided=0, promised=NO_BALLOT)


EDITS = 40
STRANGE_VALUES: tuple[object, ...] = (
    -1,
    0,
    2,
    9,
    1 << 31,
    1 << 52,
    1 << 63,
    10**30,
    "",
    "x",
    None,
    True,
    [],
    {},
    [1],
    0.5,
)


def altered(value: object, dice: random.Random) -> object:
    """The same JSON value with one part of it replaced or removed."""
    if isinstance(value, dict) and value and dice.random() < 0.95:
        name = dice.choice(sorted(value))
        if dice.random() < 0.1:
            return {key: part for key, part in value.items() if key != name}
        return {**value, name: altered(value[name], dice)}
    if isinstance(value, list) and value and dice.random() < 0.95:
        place = dice.randrange(len(value))
        if dice.random() < 0.1:
            return value[:place] + value[place + 1 :]
        return [*value[:place], altered(value[place], dice), *value[place + 1 :]]
    return dice.choice(STRANGE_VALUES)


@pytest.mark.parametrize("seed", range(4))
def test_an_edited_trace_is_judged_or_refused(
    run: tuple[VirtualCluster, TraceRecorder], tmp_path: Path, seed: int
) -> None:
    """Whatever was changed, a check ends, with verdicts or with one sentence that names the file."""
    dice = random.Random(seed)
    path = written(*run, tmp_path / "edited.jsonl")
    whole = path.read_text().splitlines()
    for _ in range(EDITS):
        lines = list(whole)
        for _ in range(dice.choice((1, 1, 2, 5))):
            place = dice.randrange(len(lines))
            match dice.randrange(5):
                case 0:
                    del lines[place]
                case 1:
                    lines.insert(dice.randrange(len(lines)), lines[place])
                case 2:
                    lines[place] = lines[place][: dice.randrange(len(lines[place]))]
                case _:
                    with contextlib.suppress(ValueError):  # An edit before may have torn this line.
                        lines[place] = json.dumps(altered(json.loads(lines[place]), dice))
        path.write_text("\n".join(lines) + "\n")
        refusal = ""
        try:
            check_files([str(path)], time_limit_s=2, invariants=lambda *named: str(check_trace(*named).verdicts()))
        except InputError as error:
            refusal = str(error)
        assert not refusal or (str(path) in refusal and "\n" not in refusal)


@pytest.mark.parametrize("packed", [False, True])
def test_a_torn_end_is_no_error(packed: bool, tmp_path: Path) -> None:
    """A writer that was killed leaves half a line, or an archive without its end: what stands before it is read."""
    cluster, recorder = stormy_run()
    whole = written(cluster, recorder, tmp_path / "whole")
    all_lines = whole.read_bytes().splitlines()
    torn = tmp_path / ("torn.gz" if packed else "torn")
    data = gzip.compress(whole.read_bytes()) if packed else whole.read_bytes()
    torn.write_bytes(data[: len(data) * 2 // 3])

    lines = list(read_trace(torn).lines())
    judged = check_files([str(torn)])[0]

    assert len(all_lines) // 3 < len(lines) < len(all_lines) - 1
    assert judged["verdict"] == "ok"
    assert not check_trace(torn).violations


def test_a_line_in_the_middle_is_never_taken_for_torn(tmp_path: Path) -> None:
    """Half a line with an end is a mistake, at the end of the file too."""
    cluster, recorder = stormy_run()
    whole = written(cluster, recorder, tmp_path / "whole").read_text(encoding="utf-8").splitlines()
    (tmp_path / "bad").write_text("\n".join([*whole[:-1], whole[-1][:20]]) + "\n", encoding="utf-8")

    with pytest.raises(InputError, match=f"line {len(whole)}: no event of a trace"):
        list(read_trace(tmp_path / "bad").lines())


def test_a_trace_tells_why_a_message_was_lost() -> None:
    """Its link was cut or dropped it, or its target was down; what a link duplicated or held is told too."""
    cluster, recorder = stormy_run()
    cluster.apply(Hold())
    cluster.run(cluster.now_ms() + 1)
    cluster.submit(1, Post("ann", "held", "text"))
    cluster.wait(lambda: bool(cluster.held()), 2_000)

    events = list(recorder.events())
    lost = {event.why for event in events if isinstance(event, MessageLost)}

    assert lost == {"cut", "dropped", "down"}
    assert any(isinstance(event, MessageDuplicated) for event in events)
    held = [event for event in events if isinstance(event, MessageHeld)]
    sent = {event.number for event in events if isinstance(event, MessageSent)}
    assert held
    assert {event.number for event in held} <= sent
