"""A search that is kept goes on where it was, and comes to what it would have come to."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from simulator.errors import InputError
from simulator.settings import Settings
from simulator.tools.prove.command import Proof, Wishes
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel
from simulator.worlds.exhaustive.kept_search import NAME, keep, take_up
from simulator.worlds.exhaustive.search import Bounds, Search
from tests.simulator.worlds.exhaustive.test_search import TwoJugs

SMALL = Budgets(writes=1, elections=1, crashes=1)


def cluster() -> ClusterModel:
    """Three nodes."""
    return ClusterModel(Settings(nodes=3, difficulty=0), SMALL)


@pytest.mark.parametrize("stops", [[20], [50, 51, 200]])
def test_a_search_of_nodes_that_is_kept_and_taken_up_comes_to_the_same(tmp_path: Path, stops: list[int]) -> None:
    """As many states, steps and levels as without a break, in a process that knows nothing of the one before."""
    whole = Search(cluster()).run()

    for stop in stops:
        search = Search(cluster())
        take_up(search, tmp_path, "the same")
        search.run(Bounds(states=stop))
        keep(search, tmp_path, "the same")
    last = Search(cluster())
    assert take_up(last, tmp_path, "the same")
    outcome = last.run()

    assert outcome.complete
    assert (outcome.progress.states, outcome.progress.depth) == (whole.progress.states, whole.progress.depth)
    assert outcome.transitions == whole.transitions


def test_a_violation_is_found_by_the_same_steps_after_a_break(tmp_path: Path) -> None:
    """The verdict, the sentence and every step are those of a search without a break."""

    def proof(states: int, folder: str) -> Proof:
        bounds = Bounds(states=states)
        return Proof(Wishes(nodes=3, budgets=SMALL, bounds=bounds, break_rule="acceptance-not-kept", folder=folder))

    whole = proof(0, "").run(lambda _progress: None)
    begun = proof(10, str(tmp_path))
    assert begun.run(lambda _progress: None).cut_off == "states"
    begun.keep()
    rest = proof(0, str(tmp_path)).run(lambda _progress: None)

    assert whole.steps
    assert (rest.verdict, rest.why, rest.steps, rest.states) == (whole.verdict, whole.why, whole.steps, whole.states)


def test_a_stopped_search_goes_on(tmp_path: Path) -> None:
    """A stop is a cut like another; nothing is lost and nothing is counted twice."""
    search = Search(TwoJugs(), keep_going=True)
    search.stop = True
    assert search.run().cut_off == "an interrupt"
    keep(search, tmp_path, "jugs")

    again = Search(TwoJugs(), keep_going=True)
    take_up(again, tmp_path, "jugs")
    outcome = again.run()

    assert outcome.complete
    assert outcome.progress.states == 16
    assert outcome.never == () or outcome.found


def test_a_search_for_something_else_is_not_taken_up(tmp_path: Path) -> None:
    """One sentence says what the file is for."""
    keep(Search(TwoJugs()), tmp_path, "jugs")

    with pytest.raises(InputError, match="keeps a search for something else"):
        take_up(Search(TwoJugs()), tmp_path, "glasses")


@pytest.mark.parametrize("data", [b"", b"not a search", b"\x80\x05cposix\nsystem\n."])
def test_a_file_that_is_no_search_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    """Whatever stands in it is not run."""
    (tmp_path / NAME).write_bytes(data)

    with pytest.raises(InputError, match="is damaged, or no kept search"):
        take_up(Search(TwoJugs()), tmp_path, "jugs")


def test_a_full_disk_leaves_what_was_kept_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new file goes, the old one stays."""
    search = Search(TwoJugs(), keep_going=True)
    keep(search, tmp_path, "jugs")
    before = (tmp_path / NAME).read_bytes()
    search.run()

    def full(_file: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep(search, tmp_path, "jugs")

    assert (tmp_path / NAME).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
