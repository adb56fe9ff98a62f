"""`paxsim replay`: forward and back, jumps and searches, and the state at a moment."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from simulator.analysis.moment import EVERY, Moments
from simulator.analysis.run import RecordedRun, load_run
from simulator.cli.main import main
from simulator.errors import InputError
from simulator.screens.replay.app import Replay
from simulator.screens.replay.player import Player
from simulator.trace.events import FaultInjected
from tests.simulator.analysis.recorded import trace_of
from tests.simulator.screens.dashboard.terminal import Terminal

STORY = """
wait leader
post ann First x
post bob First y
comment bob First z
crash leader
wait leader in majority within 20s
@leader post ann Second x
restart crashed
load 60/s for 2s
sleep 1s
"""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a refusal, a crash, two leaders and some load."""
    return trace_of(STORY, tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="module")
def run(trace: Path) -> RecordedRun:
    """The same, loaded."""
    return load_run(trace)


def test_a_moment_is_the_same_from_both_sides(run: RecordedRun) -> None:
    """Whichever keyframe it is folded from, and whatever was looked at before."""
    moments = Moments(run)
    assert len(run.events) > EVERY
    places = [-1, 0, 10, EVERY - 1, EVERY, EVERY + 1, len(run.events) - 1]

    forward = [moments.at(place) for place in places]
    back = [moments.at(place) for place in reversed(places)]

    assert forward == back[::-1]


def test_the_last_moment_is_what_the_cluster_was(run: RecordedRun) -> None:
    """All nodes up, one leader that the others follow, equal chains, and the posts of the blog."""
    last = Moments(run).at(len(run.events))

    assert {node.life for node in last.nodes} == {"up"}
    (leader,) = [node for node in last.nodes if node.role == "leader"]
    assert {node.leader for node in last.nodes} == {leader.node}
    assert len({node.hash for node in last.nodes}) == 1
    assert len({(node.posts, node.comments) for node in last.nodes}) == 1
    assert last.nodes[0].posts >= 2


def test_before_the_first_event_all_nodes_are_down(run: RecordedRun) -> None:
    """And a moment past the end is the last one."""
    moments = Moments(run)

    assert {node.life for node in moments.at(-1).nodes} == {"down"}
    assert moments.at(10**9) == moments.at(len(run.events) - 1)


def test_jumps_visit_every_mark_in_both_directions(run: RecordedRun) -> None:
    """From the start forward and from the end back the same marks are met, and then there is no further one."""
    for kind in ("election", "decision", "fault", "refusal"):
        player = Player(run)
        there = []
        while player.jump(kind):
            there.append(player.index)
        player.go(len(run.events))
        back = []
        while player.jump(kind, forward=False):
            back.append(player.index)

        assert there == back[::-1] == sorted(set(player.marks[kind]))
    assert len(Player(run).marks["election"]) == 2
    assert all(isinstance(run.events[index], FaultInjected) for index in Player(run).marks["fault"])


def test_a_search_finds_text_and_says_when_there_is_none(run: RecordedRun) -> None:
    """In any case, forward and back."""
    player = Player(run)

    assert player.search("leads WITH ballot")
    first = player.index
    assert player.search("leads with ballot")
    assert player.index > first
    assert player.search("leads with ballot", forward=False)
    assert player.index == first
    assert not player.search("no such text")
    assert player.index == first


def test_a_place_is_named_by_slot_event_or_time(run: RecordedRun) -> None:
    """Anything else is refused with what would be right."""
    player = Player(run)

    player.go_to("slot 2")
    assert player.index == player.timeline.first_applied[2]
    player.go_to("event 12")
    assert player.index == 11
    player.go_to("20ms")
    assert player.times[player.index] <= 20 < player.times[player.index + 1]
    for wrong in ("slot", "slot x", "slot 99999", "20", "yesterday"):
        with pytest.raises(InputError):
            player.go_to(wrong)


def test_time_passes_while_it_plays(run: RecordedRun) -> None:
    """Twice as fast means twice as far; at the end it stops."""
    player = Player(run)
    assert not player.pass_time(1_000)
    player.playing = True
    player.pass_time(10)
    player.change_speed(1)

    player.pass_time(10)

    assert player.at_ms == 30
    player.speed = 100.0
    player.pass_time(10**6)
    assert not player.playing
    assert player.index == len(run.events) - 1


def test_the_screen_is_the_same_back_and_forth(run: RecordedRun) -> None:
    """Keys move in the run; a place looks the same, byte for byte, from wherever one comes."""
    app = Replay(Player(run))
    screens: dict[str, list[str]] = {}

    def screen() -> list[str]:
        return [strip.text for strip in app.screen._compositor.render_strips(app.size)]

    async def story() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("e")
            screens["election"] = screen()
            await pilot.press("right", "right", "right", "left", "left", "left")
            screens["again"] = screen()
            await pilot.press("end", "home", "e")
            screens["from afar"] = screen()
            await pilot.press("g", *"slot", "space", "2", "enter")
            screens["slot"] = screen()
            await pilot.press("v")
            screens["no violation"] = screen()
            await pilot.press("q")

    asyncio.run(story())

    assert screens["election"] == screens["again"] == screens["from afar"]
    assert any("leads with ballot" in line for line in screens["election"])
    assert any("paused (1x)" in line for line in screens["election"])
    assert any("applies block 2" in line for line in screens["slot"])
    assert any("There is no further violation." in line for line in screens["no violation"])


def test_the_state_at_a_moment_is_printed(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON for a script, or as the table that the lab shows."""
    assert main(["replay", str(trace), "--json", "--at", "30ms"]) == 0
    moment = json.loads(capsys.readouterr().out)
    assert moment["at_ms"] == 30
    assert [node["node"] for node in moment["nodes"]] == [1, 2, 3, 4, 5]

    assert main(["replay", str(trace), "--at", "30ms"]) == 0
    assert "leader" in capsys.readouterr().out


def test_without_a_terminal_there_is_no_replay(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence says what would work."""
    assert main(["replay", str(trace)]) == 2
    assert "--at 1.5s" in capsys.readouterr().err
    assert main(["replay", str(trace), "--json"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_in_a_real_terminal_the_same_place_is_the_same_screen(trace: Path) -> None:
    """Forward and back by event, by hundreds, by jump and by time; colours and bytes of each cell included."""
    with Terminal(["-m", "simulator", "replay", str(trace)], columns=110, lines=40) as terminal:

        def press(keys: str, place: int) -> list[object]:
            terminal.type(keys)
            terminal.until(lambda screen: f"event {place} of" in screen and "jump (capitals: back)" in screen)
            terminal.still()
            return [dict(terminal.screen.buffer[line]) for line in range(terminal.screen.lines)]

        terminal.shows("event 0 of")
        first = press("l", 1)
        fifth = press("llll", 5)
        far = press("\x1b[1;2C", 105)

        assert press("\x1b[1;2D", 5) == fifth
        assert press("\x1b[1;2C", 105) == far
        terminal.type("g")
        terminal.shows("slot 3, event 12, or 1.5s")
        terminal.still()
        terminal.type("event 5")
        terminal.shows("▊  event 5 ")
        assert press("\r", 5) == fifth
        assert press("hhhh", 1) == first
        assert press("gevent 5\r", 5) == fifth  # Typed at once, as a paste or a script does.
        assert press("gevent 1\rllllgevent 104\rl", 105) == far
        assert press("gqlwn/" + 5 * "\x7f" + "event 5\r", 5) == fifth
        assert press("hhhh", 1) == first
        terminal.type("w")
        terminal.shows("Any key that moves goes back to the run.")
        assert press("l", 2) != first
        terminal.type("q")

        assert terminal.wait_for_end() == 0
