"""The lab's screen in a real pseudo-terminal: what a person types and sees, escape sequences and all."""

from __future__ import annotations

import re

import pytest

from tests.simulator.screens.dashboard.terminal import Terminal

DEMO = ["-m", "simulator.screens.dashboard.demo"]
# From 3.12 on Python warns of every fork beside threads; the child becomes another program at once.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[1-7]|9[0-7]|38;|48;)[0-9;]*m")


def test_a_session_typed_into_a_terminal() -> None:
    """Open the lab, type a command, open a node, make the window large, leave: the terminal is given back clean."""
    with Terminal(DEMO) as terminal:
        terminal.until(lambda screen: "★     1  leader" in screen)

        terminal.type("hello\r")
        terminal.until(lambda screen: "you typed: hello" in screen)
        terminal.type("\x1bOP")
        terminal.until(lambda screen: "node 1  ★  leader" in screen and "log of slots" in screen)
        terminal.type("\x1bOP")
        terminal.resize(200, 50)
        # The first frames after a resize can mix new panels and old widths, so check only lasting text.
        terminal.shows("╔═ node 1", "you typed: hello", "linearizability")
        terminal.resize(80, 24)
        terminal.until(lambda screen: "★     1  leader" in screen)
        terminal.type("quit\r")

        assert terminal.wait_for_end() == 0
        assert b"\x1b[?1049l" in terminal.raw  # The alternate screen was left.
        assert COLOUR.search(terminal.raw)


def test_no_color_leaves_text_and_shapes() -> None:
    """Under NO_COLOR the lab sends no colour, and every state still has its own sign and word."""
    with Terminal(DEMO, environ={"NO_COLOR": "1"}) as terminal:
        terminal.shows(
            "★     1  leader", "31.007", "follower", "‖     3  paused", "✕     4  down", "?     5  candidate"
        )
        terminal.type("quit\r")
        terminal.wait_for_end()

        assert not COLOUR.search(terminal.raw), COLOUR.search(terminal.raw)


def test_text_in_the_blog_cannot_drive_the_terminal() -> None:
    """Escape sequences in a title are shown as visible characters and never reach the terminal."""
    with Terminal(DEMO, columns=200, lines=50) as terminal:
        terminal.shows("␛[31mred␛[0m [bold]not bold[/]")
        terminal.type("quit\r")
        terminal.wait_for_end()

        assert b"escape\x07" not in terminal.raw
        assert b"\x1b[31mred" not in terminal.raw
