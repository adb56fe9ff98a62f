"""The keys of the lab that lead to lists and to help, on a canned cluster."""

from __future__ import annotations

from textual.pilot import Pilot

from simulator.screens.dashboard.app import Lab
from simulator.screens.dashboard.demo import CannedSource
from simulator.screens.dashboard.drive import settle
from tests.simulator.screens.dashboard.test_lab import WIDE, play, screen


def text(lab: Lab) -> str:
    """The screen as one text."""
    return "\n".join(screen(lab))


async def press(lab: Lab, pilot: Pilot[int], *keys: str) -> None:
    """Press keys, and wait until the screen shows what they did."""
    await pilot.press(*keys)
    await settle(lab, pilot)


def test_a_held_message_is_delivered_by_keys() -> None:
    """Shift-Tab leads to the list, arrows choose, Enter delivers: the line that does it is carried out as if typed."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await press(lab, pilot, "shift+tab")
        assert "▸       1  1>2" in text(lab)
        await press(lab, pilot, "down", "enter")
        assert "you typed: deliver 5" in text(lab)
        await press(lab, pilot, "2")
        assert "you typed: deliver 2>1" in text(lab)
        await press(lab, pilot, "3")
        assert "you typed: wait held within 30s" in text(lab)
        await press(lab, pilot, "escape", *"x")
        assert lab.prompt.value == "x"

    play(story, source=CannedSource(holding=True))


def test_a_held_message_is_delivered_by_two_clicks() -> None:
    """The first click chooses it, the second delivers it."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        for _ in range(2):
            await pilot.click("#held", offset=(5, 4))
            await settle(lab, pilot)
        assert "you typed: deliver 2" in text(lab)

    play(story, source=CannedSource(holding=True))


def test_a_letter_in_a_list_begins_a_command() -> None:
    """Nobody has to leave the list first, and Enter then means the line and not the list."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await press(lab, pilot, "shift+tab", *"release", "enter")
        assert "you typed: release" in text(lab)
        assert "you typed: deliver" not in text(lab)

    play(story, source=CannedSource(holding=True))


def test_the_log_is_filtered_by_a_key() -> None:
    """Elections, faults, the lines of a node, everything."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await press(lab, pilot, "shift+tab", "1")
        assert "log: elections" in text(lab)
        assert "leads at ballot 2.1" in text(lab)
        assert "partition 1,2,3,4" not in text(lab)
        await press(lab, pilot, "2")
        assert "partition 1,2,3,4" in text(lab)
        await press(lab, pilot, "4")
        assert "log: node 1" in text(lab)
        await press(lab, pilot, "0")
        assert "log: " not in text(lab)

    play(story)


def test_the_log_stands_still_while_a_person_reads() -> None:
    """Up scrolls and stops it; the title says how much is below; going down past the end lets it go on."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await press(lab, pilot, "shift+tab", "up")
        assert "log · stopped · 1 more below" in text(lab)
        await press(lab, pilot, "end")
        assert "· stopped" not in text(lab)
        await press(lab, pilot, "space")
        assert "log · stopped" in text(lab)

    play(story)


def test_a_question_mark_opens_help_and_a_letter_closes_it() -> None:
    """On an empty line alone: elsewhere it is a character like others."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await press(lab, pilot, "question_mark")
        assert "KEYS ANYWHERE" in text(lab)
        assert "lines below" in text(lab)
        await press(lab, pilot, "end")
        assert "the end" in text(lab)
        await press(lab, pilot, *"wait")
        assert lab.prompt.value == "wait"
        await press(lab, pilot, "question_mark")
        assert lab.prompt.value == "wait?"
        await press(lab, pilot, "ctrl+c", "question_mark")
        await press(lab, pilot, "escape")
        assert "KEYS ANYWHERE" not in text(lab)
        await press(lab, pilot, *"hold")
        assert lab.prompt.value == "hold"

    play(story)


def test_the_key_of_a_node_that_does_not_exist_says_so() -> None:
    """There are keys for nine nodes."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await press(lab, pilot, "f7")
        assert "there is no node 7: this cluster has nodes 1 to 5" in text(lab)

    play(story)


def test_the_bottom_line_tells_the_keys_that_have_a_meaning_now() -> None:
    """On the line, in the log, and in an opened node, from which Esc leads back and where there is no log."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        assert "Shift-Tab log" in screen(lab)[-1]
        await press(lab, pilot, "shift+tab")
        assert screen(lab)[-1].startswith("Esc back  ↑↓ scroll")
        await press(lab, pilot, "escape", "f2")
        assert screen(lab)[-1].startswith("Esc back  ? help  Ctrl-D quit")
        assert "Shift-Tab" not in screen(lab)[-1]

    play(story)


def test_the_bottom_line_tells_how_to_leave_at_any_width() -> None:
    """Of the keys, help and the end come first."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        for width in (200, 60, 40):
            await pilot.resize_terminal(width, 24)
            await settle(lab, pilot)
            assert screen(lab)[-1].startswith("? help  Ctrl-D quit")

    play(story, WIDE)
