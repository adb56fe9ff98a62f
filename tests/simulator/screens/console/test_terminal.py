"""The line console in a real pseudo-terminal: what a person types and sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator.screens.dashboard.terminal import Terminal

CANNED = ["-m", "tests.simulator.screens.console.canned"]
PROMPT = "paxsim>"
# From 3.12 on Python warns of every fork beside threads; the child becomes another program at once.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def opened(tmp_path: Path, **environ: str) -> Terminal:
    """The console in a terminal, with a history of its own."""
    return Terminal(CANNED, environ={"XDG_STATE_HOME": str(tmp_path), "PROMPT_TOOLKIT_NO_CPR": "1"} | environ)


def test_a_write_prints_its_number_at_once_and_its_answer_when_it_comes(tmp_path: Path) -> None:
    """Typing goes on meanwhile, and the answer leaves the half-typed line whole."""
    with opened(tmp_path) as terminal:
        terminal.until(lambda screen: PROMPT in screen)

        terminal.type("partition 1,2 / 3,4,5\r")
        terminal.type("post alice Lost x\r")
        terminal.until(lambda screen: "[1] sent to node 1" in screen)
        terminal.type("@3 post bob He")
        terminal.until(
            lambda screen: "[1] TIMEOUT: no majority" in screen and screen.rstrip().endswith(f"{PROMPT} @3 post bob He")
        )
        terminal.type("llo y\r")
        terminal.until(lambda screen: "[2] NEW POST Hello from bob" in screen)
        terminal.type("quit\r")

        assert terminal.wait_for_end() == 0


def test_a_waiting_command_does_not_keep_one_from_typing(tmp_path: Path) -> None:
    """The next line is read, and carried out after it."""
    with opened(tmp_path) as terminal:
        terminal.until(lambda screen: PROMPT in screen)

        terminal.type("sleep 400ms\rblog\r")
        terminal.until(lambda screen: "BLOG EMPTY" in screen)
        terminal.type("\x04")

        assert terminal.wait_for_end() == 0


def test_pasted_lines_are_carried_out_one_by_one(tmp_path: Path) -> None:
    """They come at once, and as one text."""
    with opened(tmp_path) as terminal:
        terminal.until(lambda screen: PROMPT in screen)

        terminal.type("\x1b[200~post a One x\npost a Two x\n\x1b[201~\r")
        terminal.until(lambda screen: "NEW POST One from a" in screen and "NEW POST Two from a" in screen)
        terminal.type("\x04")

        assert terminal.wait_for_end() == 0


def test_tab_completes_and_the_history_is_remembered(tmp_path: Path) -> None:
    """In the next session too, with the arrow and with Ctrl-R."""
    with opened(tmp_path) as terminal:
        terminal.until(lambda screen: PROMPT in screen)
        terminal.type("part\t")
        terminal.until(lambda screen: f"{PROMPT} partition" in screen)
        terminal.type(" 1,2\r")
        terminal.until(lambda screen: "\npartition 1,2\n" in screen)
        terminal.type("quit\r")
        terminal.wait_for_end()

    with opened(tmp_path) as terminal:
        terminal.until(lambda screen: PROMPT in screen)
        terminal.type("\x12parti")
        terminal.until(lambda screen: "partition 1,2" in screen)
        terminal.type("\r\r\x04")

        assert terminal.wait_for_end() == 0


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """Also while a command waits; nothing is left behind."""
    with opened(tmp_path) as terminal:
        terminal.until(lambda screen: PROMPT in screen)
        terminal.type("wait height 99\r")
        terminal.until(lambda screen: "wait height 99" in screen)

        terminal.type("\x03")

        assert terminal.wait_for_end() == 130


def test_a_mistake_is_reported_and_user_text_moves_no_cursor(tmp_path: Path) -> None:
    """Markup in a title is text; a wrong word gets the right one."""
    with opened(tmp_path, NO_COLOR="1") as terminal:
        terminal.until(lambda screen: PROMPT in screen)
        terminal.type("psot x\rpost [red]eve '[bold]x\u202e' y\r")
        terminal.shows("did you mean 'post'?", "NEW POST [bold]x\\u202e from [red]eve")
        terminal.type("quit\r")

        assert terminal.wait_for_end() == 0
