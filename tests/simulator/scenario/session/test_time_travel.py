"""Back and forth in virtual time: the same run, whichever way it was reached, and what `save` writes of it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.scenario.language.parser import parse_line, parse_scenario
from simulator.scenario.session.interpreter import Interpreter
from simulator.scenario.session.library import Scenario
from simulator.scenario.session.run_scenarios import run_files, run_scenario
from simulator.scenario.session.session import Session
from simulator.scenario.session.time_commands import TimeCommands
from simulator.scenario.session.time_travel import TimeTravel
from simulator.settings import Settings
from simulator.worlds.open import open_cluster
from tests.simulator.scenario.session.telling import Notebook

LINES = (
    "post alice Hello x", "@3 post bob Other y", "comment carol Hello z", "view --linearizable", "crash leader",
    "restart crashed", "crash random", "partition 1,2 / 3,4,5", "heal", "net all delay 20ms jitter 10ms drop 5%",
    "load 40/s for 500ms clients 3", "sleep 150ms", "wait leader within 2s", "hold", "deliver all", "release",
    "use 2", "step", "step 17", "back", "back 9", "back 120ms", "branch", "jump end", "jump slot 2",
)  # fmt: skip


class Lab:
    """A session in virtual time, without a clock that lets it pass."""

    def __init__(self, seed: int = 1, *, waits: bool = False) -> None:
        self.cluster = open_cluster("virtual", Settings(seed=seed), rewindable=True)
        self.notebook = Notebook()
        self.runner = Interpreter(Session(self.cluster, self.notebook, waits_for_answers=waits))
        self.travel = TimeTravel(self.cluster, self.runner)
        self.runner.time = TimeCommands(self.travel, self.notebook)

    def tell(self, *lines: str) -> list[str]:
        """Carry out these lines; returns what was shown meanwhile."""
        before = len(self.notebook.lines)
        for text in lines:
            line = parse_line(text)
            assert line is not None
            self.runner.carry_out(line)
        return self.notebook.lines[before:]

    def trace(self) -> list[str]:
        """The trace so far."""
        return list(self.cluster.trace_lines())

    def save(self, path: Path) -> str:
        """Save the run and return what was written."""
        self.tell(f"save {path}")
        return path.read_text(encoding="utf-8")


def test_back_and_forth_lead_to_the_same_run() -> None:
    """The trace is the same, byte for byte, and so is what is known of an answer."""
    lab = Lab()
    lab.tell("post alice Hello x", "sleep 200ms", "crash leader", "post bob Late y", "sleep 2s")
    whole, answered = lab.trace(), lab.runner.session.last
    assert answered is not None
    assert answered.done

    lab.tell("back 1900ms")
    past = lab.trace()
    lab.tell("step", "back 3", "back 100ms", "jump end")

    assert len(past) < len(whole)
    assert lab.trace() == whole
    assert lab.runner.session.last is not None
    assert lab.runner.session.last.answer == answered.answer


def test_the_past_is_not_changed_without_a_branch() -> None:
    """The sentence says what to do; looking is free."""
    lab = Lab()
    lab.tell("sleep 1s", "crash 2", "sleep 1s", "back 1500ms")

    with pytest.raises(InputError, match="this is the past, and 1 line ahead: 'branch'"):
        lab.tell("post alice Hello x")
    lab.tell("status", "node 2")
    lab.tell("branch", "post alice Hello x", "sleep 3s")

    assert lab.cluster.status(2).life == "up"
    assert "1 later line forgotten" in "\n".join(lab.notebook.lines)


def test_lines_ahead_happen_again_when_time_passes() -> None:
    """Whether it passes by a step, a wait or a jump."""
    lab = Lab()
    lab.tell("sleep 500ms", "crash 4", "sleep 500ms", "back 800ms")
    assert lab.cluster.status(4).life == "up"

    assert "again: crash 4" in lab.tell("sleep 600ms")

    assert lab.cluster.status(4).life == "down"


def test_back_undoes_the_last_line_first() -> None:
    """A line is a step of its own."""
    lab = Lab()
    lab.tell("sleep 500ms", "crash 4")

    lab.tell("back")
    assert lab.cluster.status(4).life == "up"
    lab.tell("step")
    assert lab.cluster.status(4).life == "down"
    lab.tell("back 2")
    assert lab.cluster.now_ms() < 500
    assert "this is the beginning" in lab.tell("back 1000000")
    assert lab.cluster.now_ms() == 0


def test_a_saved_branch_runs_the_same(tmp_path: Path) -> None:
    """Between two steps of one millisecond too, and with a load under way: the same trace, line by line."""
    lab = Lab(seed=7)
    lab.tell("load 50/s for 2s clients 5", "step 400", "post alice Hello x", "crash leader", "sleep 1s")
    lab.tell("back 700ms", "step 7", "branch", "restart crashed", "partition 1,2 / 3,4,5", "step 33")
    lab.tell("post carol Late hi", "heal", "step 5", "@2 post dave D d", "sleep 3s")
    text = lab.save(tmp_path / "branch.paxsim")

    again = tmp_path / "again.jsonl"
    assert run_files([str(tmp_path / "branch.paxsim")], settings=Settings(data=""), trace=str(again), quiet=True,
                     stdout=io.StringIO()) == 0  # fmt: skip

    assert "at step" in text
    assert again.read_text(encoding="utf-8").splitlines() == lab.trace()


def test_a_load_that_begins_again_takes_its_turns_when_it_took_them() -> None:
    """On the way to a later line too; seed 34 of a search by hand."""
    lab = Lab(seed=34)
    lab.tell("load 40/s for 500ms clients 3", "crash leader", "crash leader", "sleep 150ms")
    whole = lab.trace()

    lab.tell("back 9", "jump end")

    assert lab.trace() == whole


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 50), lines=st.lists(st.sampled_from(LINES), min_size=3, max_size=14))
def test_whatever_is_typed_the_saved_run_is_the_same(seed: int, lines: list[str]) -> None:
    """Lines that are refused are refused again, or left out."""
    lab = Lab(seed)
    for line in lines:
        try:
            lab.tell(line)
        except InputError:
            continue
    lab.tell("jump end")
    saved = parse_scenario("\n".join(lab.travel.saved_lines()))

    cluster = open_cluster("virtual", Settings(seed=seed))
    session = Session(cluster, Notebook())
    runner = Interpreter(session, from_file=True)
    for kept in saved:
        try:
            runner.carry_out(kept)
        except InputError:
            continue

    assert list(cluster.trace_lines()) == lab.trace()


def test_jumps_find_what_they_seek() -> None:
    """An election, a fault behind, a slot, a time; what does not come leaves the place as it is."""
    lab = Lab()
    lab.tell("jump next election")
    assert any(lab.cluster.status(node).role == "leader" for node in (1, 2, 3, 4, 5))
    lab.tell("post alice Hello x", "sleep 1s", "crash 1", "sleep 1s")

    lab.tell("jump last fault")
    assert lab.cluster.now_ms() < 1_100
    lab.tell("jump slot 1")
    assert max(lab.cluster.status(node).height for node in (1, 2, 3, 4, 5)) == 1
    lab.tell("jump 1.5s")
    assert lab.cluster.now_ms() == 1_500
    lab.tell("jump end")
    before = lab.travel.here
    with pytest.raises(InputError, match="no violation of an invariant comes"):
        lab.tell("jump next violation")
    assert lab.travel.here == before
    with pytest.raises(InputError, match="there is no decision before"):
        lab.tell("jump 0ms", "jump last decision")


def test_predict_asks_and_tells() -> None:
    """The question names what the node gets; a guess is counted, and a step shows the answer too."""
    lab = Lab()
    lab.tell("jump next election", "sleep 100ms", "post alice Hello x", "predict on")

    [question] = lab.tell("step")
    assert question.startswith("node 1 gets: a client's call")
    answer = lab.tell("guess nothing")
    kind = "accept" if "leads" not in answer[0] and "sends accept" in answer[0] else "forward"
    assert answer[0] == f"no: node 1 sends {kind} (0 of 1 right)"
    lab.tell("step")
    assert any(line.startswith("node ") and " sends " in line for line in lab.tell("step"))
    with pytest.raises(InputError, match="nothing has been asked"):
        lab.tell("guess nothing")


def test_scenarios_have_no_time_machine() -> None:
    """Their runs are made by others than the person who looks."""
    line = parse_line("back 2s")
    assert line is not None

    result = run_scenario(Scenario(name="s", lines=(line,)), Settings(data=""), world="virtual")

    assert not result.passed
    assert "'back' is for a person in virtual time" in result.failures[0].why


def test_time_that_a_pipe_lets_pass() -> None:
    """Nothing lets time pass between the lines of a pipe."""
    with pytest.raises(InputError, match="time passes in commands that wait"):
        Lab().tell("time run")
