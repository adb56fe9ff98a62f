"""Time limits are kept, and nothing stands still while checks run: a cluster of real processes goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.simulator.scenario.session.telling import Story


class SlowChecks:
    """Checks of a session on real processes that take until `end` is set."""

    def __init__(self, story: Story) -> None:
        self.end = threading.Event()
        self.begun = 0
        story.cluster.world = "processes"
        story.cluster.check = self.check  # type: ignore[method-assign]

    def check(self) -> dict[str, str]:
        """See `Cluster`."""
        self.begun += 1
        self.end.wait(20)
        return {"agreement": "ok", "linearizability": "ok"}


@pytest.fixture
def story() -> Story:
    """A session on a fake cluster."""
    return Story()


@pytest.fixture
def checks(story: Story) -> Iterator[SlowChecks]:
    """Its slow checks, which end with the test."""
    slow = SlowChecks(story)
    yield slow
    slow.end.set()


@pytest.mark.parametrize("line", ["expect check ok within 2s", "expect not check ok within 2s"])
def test_an_expectation_does_not_wait_for_checks_beyond_its_time(story: Story, checks: SlowChecks, line: str) -> None:
    """What could not be found out is no evidence, neither for nor against. One run of the checks is enough."""
    output = story.tell(line)

    assert output == [f"FAILED line 1: {line}: nothing could be found out in this time"]
    assert 2_000 <= story.cluster.now_ms() <= 2_300
    assert checks.begun == 1


def test_an_expectation_does_not_wait_for_a_node_beyond_its_time(story: Story) -> None:
    """Nor for five nodes one after the other; what was seen last is told."""
    read = story.cluster.read
    story.tell("post alice Hello x")
    began_ms = story.cluster.now_ms()

    def reads(*arguments: object, **options: object) -> object:
        ticket = read(*arguments, **options)  # type: ignore[arg-type]
        if story.cluster.now_ms() > began_ms + 1_000:
            ticket.answer = None
            story.cluster._heap.clear()  # Nobody answers any more.
        return ticket

    story.cluster.read = reads  # type: ignore[assignment, method-assign]

    output = story.tell("expect titles nope on all within 3s")

    assert "node 1 has 'Hello', node 2 has 'Hello'" in output[-1]
    assert story.cluster.now_ms() <= began_ms + 3_300


@pytest.mark.usefixtures("checks")
def test_answers_come_while_checks_run(story: Story) -> None:
    """A load goes on, too: the checks have a thread of their own."""
    story.tell("post alice Hello x &")

    assert story.session.checks_within(1_000) is None

    assert story.notebook.lines[-1] == "[1] NEW POST Hello from alice"


def test_a_check_that_came_too_late_is_not_taken_for_a_newer_one(story: Story, checks: SlowChecks) -> None:
    """Its verdicts are those of an earlier moment."""
    assert story.session.checks_within(100) is None
    checks.end.set()

    assert story.session.checks() == {"agreement": "ok", "linearizability": "ok"}

    assert checks.begun == 2


def test_a_load_is_judged_without_stopping_the_session(story: Story, checks: SlowChecks) -> None:
    """Its line comes when the checks have ended."""
    story.tell("load 10/s for 1s &", "sleep 5s", "post alice Hello x")
    assert story.notebook.lines[-1] == "NEW POST Hello from alice"
    assert story.session.pending() == 1

    checks.end.set()
    while story.session.pending():  # Time of the fake cluster passes at once; the thread may need a moment.
        story.session.finish()

    assert story.notebook.lines[-1].endswith("; its history is linearizable")
    assert checks.begun == 1
