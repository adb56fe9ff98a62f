"""The lab with the real console: typed lines reach the cluster, and their results are shown."""

from __future__ import annotations

import pytest

from tests.simulator.screens.dashboard.terminal import Terminal

CANNED = ["-m", "tests.simulator.screens.dashboard.canned_lab"]
# From 3.12 on Python warns of every fork beside threads; the child becomes another program at once.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def test_commands_typed_into_the_lab_are_carried_out() -> None:
    """A write, a view, a mistake, a wait that Ctrl-C ends, a completed word: all on one screen."""
    with Terminal(CANNED, columns=120, lines=50) as terminal:
        terminal.until(lambda screen: "node 1" in screen)

        terminal.type("post alice Hello 'first post'\r")
        terminal.until(lambda screen: "[1] NEW POST Hello from alice" in screen)
        terminal.type("view title Hello\r")
        terminal.until(lambda screen: "Hello by alice, 0 comments" in screen)
        terminal.type("psot x\r")
        terminal.until(lambda screen: "did you mean 'post'?" in screen)
        terminal.type("wait height 99\r")
        terminal.until(lambda screen: "(wait…)" in screen)
        terminal.type("\x03")
        terminal.until(lambda screen: "(no longer waiting)" in screen)
        for keys, shown in (("part", "> part"), ("\t", "> partition"), ("1,2", "> partition 1,2")):
            terminal.type(keys)
            terminal.until(lambda screen, shown=shown: shown in screen)  # type: ignore[misc]
        terminal.type("\r")
        terminal.until(lambda screen: "partition 1,2 /" in screen or "\npartition 1,2" in screen)
        terminal.type("quit\r")

        assert terminal.wait_for_end() == 0


def test_lines_typed_or_pasted_in_one_burst_stay_apart() -> None:
    """Lines that arrive faster than the screen refreshes are carried out one by one."""
    with Terminal(CANNED, columns=120, lines=90) as terminal:
        terminal.until(lambda screen: "node 1" in screen)

        terminal.type("post a One x\rpost a Two x\rpost a Thre\x7fee x\rblog\r")
        terminal.until(lambda screen: "Three" in screen.split("> blog")[-1])
        terminal.type("\x1b[200~post b Four x\npost b Five x\nblo\x1b[201~g\r")
        terminal.until(lambda screen: "Five" in screen.rsplit("> blog", maxsplit=1)[-1])
        terminal.shows("> post a One x", "> post a Two x", "> post a Three x", "> post b Four x", "> post b Five x")
        terminal.type("wait height 99\r")
        terminal.until(lambda screen: "(wait…)" in screen)
        terminal.type("quit\r")

        assert terminal.wait_for_end() == 0


def test_the_lab_on_virtual_time_goes_back_and_branches() -> None:
    """Keys and lines: pause, back, a refusal in the past, a branch, a step that says what happens."""
    with Terminal(["-m", "simulator", "--world", "virtual"], columns=120, lines=50) as terminal:
        terminal.until(lambda screen: "virtual" in screen and "1x" in screen)
        terminal.type("\x1bp")
        terminal.until(lambda screen: "paused" in screen)
        terminal.type("wait leader within 60s\rcrash leader\r")
        terminal.until(lambda screen: "down" in screen)
        terminal.type("sleep 2s\rback 2100ms\r")  # From here on, no moment depends on how fast the machine is.
        terminal.until(lambda screen: "ahead" in screen)
        terminal.type("post alice Hello x\r")
        terminal.until(lambda screen: "this is the past" in screen)
        terminal.type("branch\rpost alice Hello x\rsleep 1s\r")
        terminal.until(lambda screen: "[1] NEW POST Hello from alice" in screen)
        terminal.type("\x1b[1;3C")
        terminal.until(lambda screen: "> step" in screen)
        terminal.type("quit\r")

        assert terminal.wait_for_end() == 0
