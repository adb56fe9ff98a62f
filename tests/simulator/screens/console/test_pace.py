"""Virtual time for a person: it passes by itself, stands still, and answers are shown when they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from simulator.screens.console.live import LineConsole
from simulator.settings import Settings
from simulator.worlds.open import open_cluster
from tests.simulator.scenario.session.telling import Notebook


class Sitting:
    """A console on a rewindable cluster."""

    def __init__(self) -> None:
        self.cluster = open_cluster("virtual", Settings(seed=3), rewindable=True)
        self.notebook = Notebook()
        self.console = LineConsole(self.cluster, self.notebook)

    def until(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` holds; fail after 20 s."""
        ends = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < ends, self.notebook.lines
            time.sleep(0.01)


@pytest.fixture
def sitting() -> Iterator[Sitting]:
    """A console whose time passes."""
    made = Sitting()
    yield made
    made.console.close()


def test_time_passes_by_itself_and_answers_come(sitting: Sitting) -> None:
    """A write is answered although nobody waits for it."""
    sitting.console.run("time run 10x")
    sitting.console.run("post alice Hello x")

    sitting.until(lambda: "[1] NEW POST Hello from alice" in sitting.notebook.lines)
    assert sitting.console.time_words() == "10x"


def test_time_stands_still_until_a_step(sitting: Sitting) -> None:
    """A step stops the clock; a wait lets time pass all the same, as fast as it can."""
    sitting.console.run("step")
    before = sitting.cluster.now_ms()
    time.sleep(0.1)

    assert sitting.console.time_words() == "paused"
    assert sitting.cluster.now_ms() == before
    sitting.console.run("sleep 10m")
    assert sitting.cluster.now_ms() == before + 600_000


def test_the_past_is_named(sitting: Sitting) -> None:
    """The words stand on the lab's top line."""
    for line in ("time pause", "sleep 300ms", "crash 2", "back"):
        sitting.console.run(line)

    assert sitting.console.time_words() == "paused, 1 line ahead"


def test_a_wait_in_step_with_real_time_can_be_interrupted(sitting: Sitting) -> None:
    """The line says so, and time goes on."""
    sitting.console.interrupt()
    sitting.console.run("sleep 60m")

    assert "(no longer waiting)" in sitting.notebook.lines


def test_a_delivered_message_has_its_consequences(sitting: Sitting) -> None:
    """While messages are held time stands still, but for what a delivery causes."""
    for line in ("time run 100x", "wait leader within 60s", "hold", "post alice Hello x"):
        sitting.console.run(line)
    stood = sitting.cluster.now_ms()
    time.sleep(0.1)
    assert sitting.cluster.now_ms() == stood

    for _ in range(30):
        sitting.console.run("deliver all")

    sitting.until(lambda: "[1] NEW POST Hello from alice" in sitting.notebook.lines)
