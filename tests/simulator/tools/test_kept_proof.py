"""A search of our own nodes that is kept in a folder: interrupted, killed, begun anew, it comes to the same end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.tools.prove.command import Bounds, Budgets, Proof, Report, Wishes
from simulator.worlds.exhaustive.cluster_model import Reductions
from tests.simulator.tools.proofs import proof_of


def same(one: Report, other: Report) -> None:
    """All but times and what a process has asked of nodes."""
    for field in ("verdict", "states", "depth", "transitions", "why", "steps", "first_step", "given_up"):
        assert getattr(one, field) == getattr(other, field), field


def test_a_search_that_is_cut_off_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Complete, it tells so again; with other bounds of the nodes it is refused."""
    whole = proof_of(None, Bounds())
    assert (whole.verdict, whole.states, whole.depth) == ("complete", 346, 12)
    for bounds in (Bounds(depth=3), Bounds(states=100), Bounds(states=200)):
        assert proof_of(tmp_path, bounds).verdict == "cut off"

    same(proof_of(tmp_path, Bounds()), whole)
    same(proof_of(tmp_path, Bounds(states=1)), whole)
    with pytest.raises(InputError, match="keeps another search, with --crashes 1 and not 0: give the same bounds"):
        proof_of(tmp_path, Bounds(), budgets=Budgets(writes=1, elections=1, crashes=0))
    with pytest.raises(InputError, match="with --break not given and not small-accept-quorum"):
        proof_of(tmp_path, Bounds(), break_rule="small-accept-quorum")


def test_a_violation_is_told_again(tmp_path: Path) -> None:
    """The same shortest run, from the folder alone."""
    more = {"break_rule": "small-accept-quorum", "budgets": Budgets(writes=1, elections=1, crashes=0)}
    whole = proof_of(None, Bounds(), **more)
    assert whole.verdict == "violated"
    assert proof_of(tmp_path, Bounds(depth=2), **more).verdict == "cut off"

    same(proof_of(tmp_path, Bounds(), **more), whole)
    same(proof_of(tmp_path, Bounds(), **more), whole)


def test_a_reduction_that_was_given_up_stays_given_up(tmp_path: Path) -> None:
    """And is told again, with why and when; the search does not begin with it again."""
    more = {"break_rule": "promise-goes-down", "budgets": Budgets(writes=2, elections=2, crashes=0)}
    whole = proof_of(None, Bounds(states=500), keep_going=True, **more)
    assert len(whole.given_up) == 2
    first = proof_of(tmp_path, Bounds(states=200), keep_going=True, **more)
    assert first.given_up == whole.given_up[:1]

    again = Proof(
        Wishes(nodes=3, bounds=Bounds(), folder=tmp_path, keep_going=True, **more)  # type: ignore[arg-type]
    )
    assert tuple(again.given_up) == first.given_up
    assert again.reductions != Reductions()
    again.close()
    same(proof_of(tmp_path, Bounds(states=500), keep_going=True, **more), whole)


KILLED = """
import os, signal, sys
from pathlib import Path
from simulator.worlds.exhaustive import kept_search, search
from tests.simulator.tools.proofs import Bounds, proof_of
kept_search.KEEP_EVERY_S = kept_search.SHARE = 0
search.LOOK_EVERY = 8
left, sync = int(sys.argv[2]), os.fsync
def syncing(fd):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(fd)
os.fsync = syncing
print(proof_of(Path(sys.argv[1]), Bounds()).verdict)
"""


def test_a_search_that_is_killed_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    """Before any sync: of a file of the search, of the numbering, of the header."""
    killed = 0
    for left in (2, 5, 9, 24, 47, 60):
        environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": str(left)}
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(left)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
        killed += ended.returncode != 0
    assert killed >= 4
    same(proof_of(tmp_path, Bounds()), proof_of(None, Bounds()))
