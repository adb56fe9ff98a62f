"""What lasted in a run, and what its clients did, as read from the trace alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.analysis.event_text import event_text
from simulator.analysis.operations import operations_of
from simulator.analysis.run import NOWHERE, RecordedRun, load_run
from simulator.analysis.timeline import Timeline
from simulator.trace.events import IncarnationEnded, MessageDelivered, MessageSent, NodeReported
from tests.simulator.analysis.recorded import trace_of

BUSY = """
wait leader
post ann First x
@follower post ann Second y
post ann First again
pause follower
net all delay 5ms
crash leader
wait leader in majority within 20s
@leader post ann Third z
@leader view --linearizable
view
heal
restart crashed
sleep 2s
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """A run with two leaders, a crash, a pause and slow links."""
    return load_run(trace_of(BUSY, tmp_path_factory.mktemp("run")))


def test_an_arrival_knows_where_its_message_was_sent(run: RecordedRun) -> None:
    """Both events name one number, and the sending comes first."""
    arrivals = [(i, event) for i, event in enumerate(run.events) if isinstance(event, MessageDelivered)]

    assert len(arrivals) > 50
    for index, event in arrivals:
        sent = run.events[run.sending[index]]
        assert isinstance(sent, MessageSent)
        assert run.sending[index] < index
        assert (sent.number, sent.node) == (event.number, event.source)


def test_a_leadership_lasts_until_the_leader_goes(run: RecordedRun) -> None:
    """The first leader led until its crash; the second one still led when the trace ended."""
    timeline = Timeline(run)

    first, second = (span for span in timeline.spans if span.kind == "leader")

    assert isinstance(run.events[first.end], IncarnationEnded)
    assert first.node != second.node
    assert second.end == NOWHERE
    assert [run.events[i].node for i in timeline.elections] == [first.node, second.node]


def test_outages_and_conditions_are_spans(run: RecordedRun) -> None:
    """The crash ends with the restart, the slow network with the healing, the pause with the trace."""
    spans = {span.kind: span for span in Timeline(run).spans}

    assert set(spans) == {"leader", "down", "paused", "conditions"}
    assert spans["conditions"].text == "net all delay 5ms"
    assert spans["conditions"].node == 0
    assert spans["down"].end > spans["down"].begin
    assert spans["paused"].end == NOWHERE


def test_every_write_takes_effect_between_its_call_and_its_return(run: RecordedRun) -> None:
    """The block that holds a write is first applied there; a refused write stands on the chain, too."""
    operations = operations_of(run)

    writes = [operation for operation in operations if operation.f == "post"]

    assert [operation.outcome for operation in writes] == ["ok", "ok", "refused", "ok"]
    assert [operation.height for operation in writes] == sorted(operation.height for operation in writes)
    assert all(operation.invoked < operation.returned for operation in writes)
    assert all(operation.asked < operation.effect < operation.returned for operation in writes)
    assert not any(operation.late for operation in operations)


def test_a_read_is_placed_after_the_block_that_it_shows(run: RecordedRun) -> None:
    """The linearizable view came after the block of "Third"; the local one is marked as local."""
    operations = operations_of(run)

    third = next(operation for operation in operations if "Third" in operation.text)
    strong, local = (operation for operation in operations if operation.f == "view_all")

    assert (strong.local, local.local) == (False, True)
    assert strong.height == third.height
    assert third.effect < strong.effect < strong.returned


def test_every_event_has_words(run: RecordedRun) -> None:
    """No event of any type is without a text, and none has more than one line."""
    texts = [event_text(event) for event in run.events]

    assert all(texts)
    assert not any("\n" in text for text in texts)
    leads = [event_text(event) for event in run.events if isinstance(event, NodeReported)]
    assert any(text.startswith("leader: node") for text in leads)


def test_a_run_of_two_events_has_no_spans(tmp_path: Path) -> None:
    """A trace that was cut off early is drawn like any other."""
    lines = trace_of("wait leader", tmp_path).read_text(encoding="utf-8").splitlines()[:3]
    (tmp_path / "short").write_text("\n".join(lines) + "\n", encoding="utf-8")

    run = load_run(tmp_path / "short")

    assert len(run.events) == 2
    assert Timeline(run).spans == []
    assert operations_of(run) == []
