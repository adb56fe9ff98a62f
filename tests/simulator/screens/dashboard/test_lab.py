"""The lab driven without a terminal: keys in, screen out, on a canned cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from simulator.screens.dashboard.app import Lab
from simulator.screens.dashboard.demo import CannedConsole, CannedSource
from simulator.screens.dashboard.drive import settle
from simulator.screens.dashboard.panes import NodePane, Pane
from simulator.screens.dashboard.runner import Pending
from simulator.views.sheet import bit

SMALL, WIDE = (80, 24), (200, 50)
Story = Callable[[Lab, Pilot[int]], Awaitable[None]]


def screen(lab: Lab) -> list[str]:
    """The lines of the screen as a person sees them."""
    lines = lab.screen._compositor.render_strips(lab.size)
    return [strip.text.rstrip() for strip in lines]


def play(story: Story, size: tuple[int, int] = SMALL, source: CannedSource | None = None) -> Lab:
    """Run the lab without a terminal while `story` presses keys."""
    pending_output = Pending()
    lab = Lab(source or CannedSource(), CannedConsole(pending_output), pending_output)

    async def run() -> None:
        async with lab.run_test(size=size) as pilot:
            await settle(lab, pilot)
            await story(lab, pilot)

    asyncio.run(run())
    return lab


def test_a_small_screen_has_a_row_a_node() -> None:
    """80x24: five rows, the matrix, the log, the prompt; nothing runs over the edge."""

    async def story(lab: Lab, _: Pilot[int]) -> None:
        lines = screen(lab)
        assert lines[0].startswith("paxsim · canned · 31.2s · leader 1 · ✓ 11 checks ok")
        assert lines[1].startswith("42 answers/s")
        assert lines[3].startswith("★     1  leader")
        assert lines[6].startswith("✕     4  down")
        assert any("31.007" in line for line in lines)
        assert lines[-2].startswith(">")
        assert len(lines) == 24

    play(story)


def test_a_wide_screen_has_a_panel_a_node_whose_frame_shows_its_state() -> None:
    """200x50: the leader's frame is double, a node that is down has one of plus signs and bars."""

    async def story(lab: Lab, _: Pilot[int]) -> None:
        lines = screen(lab)
        assert "╔═ node 1 " in lines[2]
        assert "+- node 4 " in lines[2]
        assert "★ leader" in lines[3]
        assert any("linearizability" in line for line in lines)

    play(story, WIDE)


def test_a_typed_line_is_carried_out_and_its_outcome_comes_into_the_transcript() -> None:
    """The prompt empties at once; line and outcome stand above it."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.press(*"hello", "enter")
        await settle(lab, pilot)
        text = "\n".join(screen(lab))
        assert "> hello" in text
        assert "you typed: hello" in text
        assert lab.prompt.value == ""

    play(story)


def test_a_node_opens_on_its_key_and_closes_on_escape() -> None:
    """F3 shows the slots, the chain, the blog and the messages of node 3; typing goes on as before."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.press("f3")
        await settle(lab, pilot)
        lines = screen(lab)
        assert lines[2].startswith("node 3  ‖  paused")
        assert any("log of slots" in line for line in lines)
        await pilot.press("x", "escape")
        await settle(lab, pilot)
        assert lab.prompt.value == "x"
        assert screen(lab)[3].startswith("★     1  leader")

    play(story)


@pytest.mark.parametrize(("size", "target", "offset"), [(SMALL, "#table", (5, 4)), (WIDE, "#panel-4", (5, 5))])
def test_a_click_opens_the_node_that_was_clicked(size: tuple[int, int], target: str, offset: tuple[int, int]) -> None:
    """A row of the table or a panel: both lead to node 4, and the keys still go to the prompt."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.click(target, offset=offset)
        await settle(lab, pilot)
        assert screen(lab)[2].startswith("node 4  ✕  down")
        assert lab.focused is lab.prompt

    play(story, size)


def test_the_screen_takes_another_form_when_it_is_resized() -> None:
    """From small to wide and back: table, panels, table, and the transcript keeps its entries."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.press(*"hello", "enter")
        await pilot.resize_terminal(*WIDE)
        await settle(lab, pilot)
        assert "╔═ node 1 " in screen(lab)[2]
        await pilot.resize_terminal(60, 20)
        await settle(lab, pilot)
        lines = screen(lab)
        assert lines[2].startswith("★     1  leader")
        assert all(len(line) <= 60 for line in lines)
        assert any("you typed: hello" in line for line in lines)

    play(story)


def test_held_messages_stand_where_the_log_was() -> None:
    """While messages wait for a person, their numbers are on the screen, and the matrix shows their links."""

    async def story(lab: Lab, _: Pilot[int]) -> None:
        text = "\n".join(screen(lab))
        assert "prepare ballot 3.3 from slot 5" in text
        assert "messages held: 3" in text

    play(story, source=CannedSource(holding=True))


def test_only_a_changed_panel_is_rendered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh with an equal state renders no panel; rendering is the expensive part."""
    rendered: list[str | None] = []
    redraw = Pane.redraw

    def counted(pane: Pane) -> None:
        rendered.append(pane.id)
        redraw(pane)

    monkeypatch.setattr(Pane, "redraw", counted)
    source = CannedSource()

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        rendered.clear()
        await settle(lab, pilot)
        assert rendered == []
        source.change(2, queue=9)
        await settle(lab, pilot)
        assert rendered == ["panel-2"]

    play(story, WIDE, source)


def test_earlier_lines_come_back_and_the_line_begun_is_kept() -> None:
    """Up and down as in a shell."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.press(*"one", "enter", *"two", "enter", *"dra", "up", "up")
        assert lab.prompt.value == "one"
        await pilot.press("down", "down")
        assert lab.prompt.value == "dra"
        await pilot.press("ctrl+c")
        assert lab.prompt.value == ""

    play(story)


def test_tab_completes_what_is_certain_and_lists_the_rest() -> None:
    """`stat` becomes `status `; `ch` could be six words: they stand above the prompt until something is typed."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.press(*"stat", "tab")
        assert lab.prompt.value == "status "
        await pilot.press("ctrl+c", *"ch", "tab", "tab")
        await settle(lab, pilot)
        assert "chain-long" in "\n".join(screen(lab))
        assert lab.prompt.value == "chain"
        await pilot.press("tab")
        assert lab.prompt.value == "chain-long"
        await pilot.press("x")
        await settle(lab, pilot)
        assert "chain-short" not in "\n".join(screen(lab))

    play(story)


def test_a_flood_of_answers_is_cut_with_a_note() -> None:
    """Ten thousand lines at once cost no more than the newest five hundred."""
    pending_output = Pending()
    for number in range(10_000):
        pending_output.write(bit(number))

    taken = pending_output.take()

    assert len(taken) == Pending.MOST + 1
    assert taken[0] == bit("(9500 lines left out)", "dim")
    assert taken[-1] == bit(9999)


def test_quit_ends_the_lab() -> None:
    """The grammar's own `quit` closes the screen with status 0."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.press(*"quit", "enter")
        await settle(lab, pilot)

    assert play(story).return_value == 0


def test_a_click_beside_the_nodes_opens_nothing() -> None:
    """The header of the table stands for no node."""

    async def story(lab: Lab, pilot: Pilot[int]) -> None:
        await pilot.click("#table", offset=(5, 0))
        await settle(lab, pilot)
        assert screen(lab)[3].startswith("★     1  leader")
        assert isinstance(lab.query_one("#table"), NodePane)

    play(story)
