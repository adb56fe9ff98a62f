"""`paxsim export`: each file is what its tool reads, by that tool's own description, and holds what the trace holds."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from simulator.analysis.operations import operations_of
from simulator.analysis.run import RecordedRun, load_run
from simulator.checks.command import check_files
from simulator.cli.commands.export import NAMES
from simulator.cli.main import main
from simulator.cluster.message_text import ROUTINE
from simulator.export.formats import FORMATS
from simulator.export.mermaid import MOST_LINES, mermaid
from simulator.export.shiviz import EXPRESSION
from simulator.trace.events import MessageDelivered, MessageSent
from simulator.trace.format import History
from tests.simulator.analysis.recorded import trace_of

STORY = """
wait leader
post ann "<script>; # %% [red]" "x"
@follower post ann Second "مرحبا"
partition leader,follower / rest
post ann Lost z &
wait leader in majority within 20s
@majority post bob Third z
heal
crash 2
restart 2
view --linearizable
sleep 1s
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """A run with a partition, a crash, lost messages and text that means something elsewhere."""
    return load_run(trace_of(STORY, tmp_path_factory.mktemp("export")))


def lines_of(run: RecordedRun, form: str) -> list[str]:
    """The lines of one format."""
    return list(FORMATS[form](run))


def test_the_command_knows_every_format() -> None:
    """Its choices are those of the room."""
    assert tuple(FORMATS) == NAMES


def test_shiviz_reads_its_log(run: RecordedRun) -> None:
    """ShiViz's own expression takes every line, and the clocks are vector clocks: a cause is below its effect."""
    text = "\n".join(lines_of(run, "shiviz")) + "\n"
    python = re.sub(r"\(\?<", "(?P<", EXPRESSION)
    found = list(re.finditer(python, text))
    clocks: dict[str, dict[str, int]] = {}

    assert len(found) * 2 == text.count("\n")
    assert {event["host"] for event in found} == {f"node-{node}" for node in run.nodes}
    sent: dict[str, dict[str, int]] = {}
    for event in found:
        clock = json.loads(event["clock"])
        before = clocks.get(event["host"], {})
        assert clock[event["host"]] == before.get(event["host"], 0) + 1
        assert all(clock[host] >= count for host, count in before.items())
        clocks[event["host"]] = clock
        number = re.search(r"\(#(\d+)\)$", event["event"])
        if number and " sends to " in event["event"]:
            sent[number[1]] = clock
        elif number and " hears from " in event["event"]:
            assert all(clock[host] >= count for host, count in sent[number[1]].items())


REQUIRED = {
    "X": {"name", "cat", "pid", "tid", "ts", "dur"},
    "i": {"name", "pid", "tid", "ts", "s"},
    "M": {"name", "pid", "args"},
    "C": {"name", "pid", "ts", "args"},
    "s": {"name", "cat", "id", "pid", "tid", "ts"},
    "f": {"name", "cat", "id", "pid", "tid", "ts", "bp"},
    "b": {"name", "cat", "id", "pid", "tid", "ts"},
    "e": {"name", "cat", "id", "pid", "tid", "ts"},
}
"""The fields that each phase needs, from the description of the trace event format."""


def test_perfetto_s_file_is_of_the_trace_event_format(run: RecordedRun) -> None:
    """Each event has the fields of its phase; flows and asynchronous slices come in pairs."""
    document = json.loads("\n".join(lines_of(run, "perfetto")))
    events: list[dict[str, Any]] = document["traceEvents"]

    assert document["displayTimeUnit"] == "ms"
    for event in events:
        assert set(event) >= REQUIRED[event["ph"]], event
        assert isinstance(event.get("ts", 0), int)
        assert event.get("ts", 0) >= 0
        assert event.get("dur", 1) > 0
        assert event.get("s", "t") in {"t", "p", "g"}
    for begin, end in (("s", "f"), ("b", "e")):
        starts = {(event["cat"], event["id"]): event["ts"] for event in events if event["ph"] == begin}
        ends = {(event["cat"], event["id"]): event["ts"] for event in events if event["ph"] == end}
        assert starts.keys() == ends.keys()
        assert starts
        assert all(starts[key] <= ends[key] for key in starts)
    arrived = sum(isinstance(event, MessageDelivered) for event in run.events)
    assert sum(event["ph"] == "f" for event in events) == arrived
    assert sum(event["ph"] == "X" and event["pid"] == 101 for event in events) == len(operations_of(run))


def test_jepsen_s_history_judges_the_same(run: RecordedRun, tmp_path: Path) -> None:
    """The history survives the way out and in: as many events, in the same order, with the same verdict."""
    path = tmp_path / "history.edn"
    path.write_text("\n".join(lines_of(run, "jepsen")) + "\n", encoding="utf-8")

    (verdict,) = check_files([str(path)])

    history = [event for event in run.events if isinstance(event, History)]
    assert path.read_text(encoding="utf-8").count(":index") == len(history)
    assert verdict["verdict"] == "ok"
    assert verdict["operations"] == sum(event.entry.type == "invoke" for event in history)
    assert '"مرحبا"' in path.read_text(encoding="utf-8")


def test_otlp_is_what_its_protocol_buffers_describe(run: RecordedRun) -> None:
    """OpenTelemetry's own schema parses it; every span but a root has its parent in the same trace."""
    (text,) = lines_of(run, "otlp")
    request = Parse(text, ExportTraceServiceRequest())
    spans = [
        (resource["resource"]["attributes"][0]["value"]["stringValue"], span)
        for resource in json.loads(text)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    known = {(span["traceId"], span["spanId"]) for _, span in spans}

    assert sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans) == len(spans)
    assert len(known) == len(spans)
    roots = [span for service, span in spans if service == "clients"]
    assert len(roots) == len(operations_of(run))
    for _, span in spans:
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        if "parentSpanId" in span:
            assert (span["traceId"], span["parentSpanId"]) in known
    names = Counter(span["name"].rsplit(" ", 1)[0] for _, span in spans)
    assert names["accept slot"] >= 3
    assert names["apply block"] >= 3


def test_mermaid_draws_a_window(run: RecordedRun) -> None:
    """Every line is of its grammar, and every message that is not routine has its arrow."""
    line = re.compile(r"    (?:participant N\d as node \d|N\d(?:->>|--x)N\d: .+|Note over N\d(?:,N\d)?: .+|%% .+)")
    found = list(mermaid(run))

    assert found[0] == "sequenceDiagram"
    assert all(line.fullmatch(one) for one in found[1:])
    arrows = [one for one in found if "->>" in one]
    delivered = [event for event in run.events if isinstance(event, MessageDelivered)]
    expected = [event for event in delivered if not isinstance(event.message, ROUTINE)]
    cut = any("%% cut" in one for one in found)
    assert len(arrows) == len(expected) or (cut and len(found) <= MOST_LINES + len(run.nodes) + 2)
    window = list(mermaid(run, 0, 50))
    assert len(window) < len(found)


def test_text_of_users_means_nothing_to_mermaid(run: RecordedRun) -> None:
    """Signs that end a statement or begin a comment are written by their number."""
    text = "\n".join(mermaid(run))

    assert "#60;script>#59; #35; #37;#37; [red]" in text
    assert "<script" not in text


def test_the_cast_is_a_recording_of_a_terminal(run: RecordedRun) -> None:
    """A header of version 2, then screens at growing times, each within the terminal's size."""
    head, *events = [json.loads(line) for line in lines_of(run, "cast")]

    assert (head["version"], head["width"] > 0, head["height"] > 0) == (2, True, True)
    assert len(events) > 5
    times = [time for time, _, _ in events]
    assert times == sorted(times)
    assert {kind for _, kind, _ in events} == {"o"}
    for _, _, text in events:
        assert text.count("\r\n") < head["height"]
        assert "\n" not in text.replace("\r\n", "")
    assert "leader" in events[-1][2]
    assert "\u202e" not in "".join(text for _, _, text in events)


@pytest.mark.parametrize("form", NAMES)
def test_a_run_of_nothing_is_exported(form: str, run: RecordedRun) -> None:
    """A trace may be cut off after its header."""
    empty = RecordedRun(run.header, [])

    lines = list(FORMATS[form](empty))

    if form == "perfetto":
        assert json.loads("\n".join(lines))["displayTimeUnit"] == "ms"
    elif form == "otlp":
        assert json.loads(lines[0]) == {"resourceSpans": []}


def test_a_window_belongs_to_mermaid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another format with a window, or one that ends before it begins, is refused in one sentence."""
    trace = str(trace_of("wait leader", tmp_path))
    out = str(tmp_path / "out")

    for words in (["shiviz", "--to", "1s"], ["mermaid", "--from", "2s", "--to", "1s"]):
        assert main(["export", trace, "--format", *words, "-o", out]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["export", trace, "--format", "mermaid", "--to", "1s", "-o", out]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: ")


def test_sent_messages_are_counted_once(run: RecordedRun) -> None:
    """A message to four nodes is one event of its sender."""
    sent = sum(isinstance(event, MessageSent) for event in run.events)
    text = lines_of(run, "shiviz")

    assert sum(" s sends to " in line for line in text) == sent
