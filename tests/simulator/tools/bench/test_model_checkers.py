"""TLC and Rumur beside our search: the published states or no figure, and a sentence where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.tools.bench.case import Effort, Skipped
from simulator.tools.bench.rivals import model_checkers
from simulator.tools.bench.rivals.model_checkers import (
    PUBLISHED,
    RUMUR_FOUND,
    TLC_DEPTH,
    TLC_FOUND,
    Explored,
    Watch,
    by_paxsim,
    by_rumur,
    by_tlc,
    seconds_of,
)
from tests.simulator.export.test_tla import needs_tlc

QUICK = Effort(quick=True)
SPIN = "import time\nwhile time.process_time() < 0.1: pass"
EACH = [1, pytest.param(2, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
"""Last ballots; the larger one takes TLC half a minute."""
needs_rumur = pytest.mark.skipif(not (shutil.which("rumur") and shutil.which("gcc")), reason="Rumur or gcc is missing")


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_checkers, "_kept", {})


@pytest.mark.parametrize("last", PUBLISHED)
def test_ours_has_the_published_states_and_depths(last: int) -> None:
    """MCPaxosTiny and MCPaxosSmall."""
    assert by_paxsim(last, Watch()) == PUBLISHED[last]


@needs_tlc
@pytest.mark.parametrize("last", EACH)
def test_the_model_in_tla_has_the_published_states_and_depths(last: int) -> None:
    """TLC counts them: 185,369 states and depth 25 for the small one."""
    assert by_tlc(last, Watch()) == PUBLISHED[last]


@needs_rumur
@pytest.mark.parametrize("last", EACH)
def test_the_model_in_murphi_has_the_published_states(last: int) -> None:
    """Rumur counts them; it tells no depth."""
    assert by_rumur(last, Watch()) == (PUBLISHED[last][0], 0)


def test_both_clocks_are_of_one_run() -> None:
    """The second figure asks for no run of its own, and the third is of another run."""
    runs = []

    def explore(last: int, watch: Watch) -> Explored:
        runs.append(last)
        watch.seconds = {"processor": 2.0, "wall": 3.0}
        return PUBLISHED[last]

    seconds = [seconds_of(explore, clock, QUICK) for clock in ("processor", "wall", "wall", "processor")]

    assert seconds == [[2.0], [3.0], [3.0], [2.0]]
    assert runs == [1, 1]


@pytest.mark.parametrize("found", [(3_920, 17), (3_921, 18), (3_922, 0), (0, 0)])
def test_other_states_or_another_depth_give_no_figure(found: Explored) -> None:
    """A model that is another one measures nothing; only a depth that is not told is taken."""

    def explore(_last: int, _watch: Watch) -> Explored:
        return found

    with pytest.raises(RuntimeError, match="not 3921 to depth 17"):
        seconds_of(explore, "processor", QUICK)


def test_a_watch_counts_children_too() -> None:
    """Their processor time is known once they have ended."""
    watch = Watch()
    with watch.running():
        subprocess.run([sys.executable, "-S", "-c", SPIN], check=True)

    assert watch.seconds["processor"] >= 0.1
    assert watch.seconds["wall"] > 0


@pytest.mark.parametrize(("explore", "sentence"), [(by_tlc, "TLC needs Java"), (by_rumur, "Rumur is not installed")])
def test_what_is_missing_is_told(
    explore: object, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case is left out, and the rest is measured."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Skipped, match=sentence):
        seconds_of(explore, "wall", QUICK)  # type: ignore[arg-type]


def test_a_program_that_fails_gives_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own line about the error is told."""
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho TLC2\necho 'Error: no such module'\nexit 150\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("TLA_JAR", str(java))

    with pytest.raises(RuntimeError, match="java failed: Error: no such module"):
        seconds_of(by_tlc, "wall", QUICK)


def test_what_tools_print_is_read() -> None:
    """Of TLC 2.15, in which states may be left on the queue; and of Rumur."""
    tlc = "1361380 states generated, 185369 distinct states found, 0 states left on queue.\n"
    depth = "The depth of the complete state graph search is 25.\n"

    assert [pattern.findall(tlc + depth) for pattern in (TLC_FOUND, TLC_DEPTH)] == [["185369"], ["25"]]
    assert TLC_FOUND.search(tlc.replace("0 states left", "7 states left")) is None
    assert RUMUR_FOUND.findall("\t185369 states, 772239 rules fired in 4s.\n") == ["185369"]
